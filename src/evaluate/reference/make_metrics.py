"""Makes metrics.json: what scikit-learn and scipy say of made-up truths and predictions.

    python3 make_metrics.py > metrics.json

Needs numpy, scipy and scikit-learn. The concordance correlation, which neither has, is Lin's (1989) formula written
out in numpy; `np.cov` and `np.var` with ddof=0 are his maximum-likelihood estimates.
"""

import json
import sys

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, mean_absolute_error, mean_squared_error, r2_score


def ccc(truth, predicted):
    covariance = np.cov(truth, predicted, ddof=0)[0, 1]
    return 2 * covariance / (np.var(truth) + np.var(predicted) + (np.mean(truth) - np.mean(predicted)) ** 2)


def quadrant(valence, arousal):
    return (1 if arousal >= 5 else 4) if valence >= 5 else (2 if arousal >= 5 else 3)


def agreement(truth, predicted):
    return {
        "r2": r2_score(truth, predicted),
        "rmse": float(np.sqrt(mean_squared_error(truth, predicted))),
        "pearson": float(scipy.stats.pearsonr(truth, predicted).statistic),
        "ccc": float(ccc(truth, predicted)),
    }


def reliability(truth, predicted, width=5):
    """Bins of the predicted percentages: [from, from + width), the last with 100."""
    truth, predicted = np.ravel(truth), np.ravel(predicted)
    place = np.clip(np.digitize(predicted, np.arange(0, 100, width)) - 1, 0, 100 // width - 1)
    bins = [
        {
            "from": float(width * n),
            "count": int(np.sum(place == n)),
            "mean_predicted": predicted[place == n].mean(),
            "mean_true": truth[place == n].mean(),
        }
        for n in np.unique(place)
    ]
    error = sum(b["count"] * abs(b["mean_predicted"] - b["mean_true"]) for b in bins) / len(predicted)
    return {"reliability": bins, "calibration_error": error}


def case(name, truth, predicted):
    """truth, predicted: (emotions [n, 8], valence [n], arousal [n])."""
    baseline = np.tile(truth[0].mean(axis=0), (len(truth[0]), 1))
    quadrants = [[quadrant(v, a) for v, a in zip(side[1], side[2])] for side in (truth, predicted)]
    return {
        "name": name,
        "truth": [side.tolist() for side in truth],
        "predicted": [side.tolist() for side in predicted],
        "mae": mean_absolute_error(truth[0], predicted[0]),
        "mae_baseline": mean_absolute_error(truth[0], baseline),
        "per_emotion": mean_absolute_error(truth[0], predicted[0], multioutput="raw_values").tolist(),
        "valence": agreement(truth[1], predicted[1]),
        "arousal": agreement(truth[2], predicted[2]),
        "quadrants": {
            "accuracy": accuracy_score(*quadrants),
            "macro_f1": f1_score(*quadrants, average="macro", zero_division=0),
        },
        "per_emotion_baseline": mean_absolute_error(truth[0], baseline, multioutput="raw_values").tolist(),
        "mean_true": truth[0].mean(axis=0).tolist(),
        "mean_predicted": predicted[0].mean(axis=0).tolist(),
        "confusion": confusion_matrix(*quadrants, labels=[1, 2, 3, 4]).tolist(),
        **reliability(truth[0], predicted[0]),
    }


def percentages(rng, songs):
    """Multiples of 1/128 that sum to exactly 100, so that float32 holds them without rounding."""
    return rng.multinomial(12800, rng.dirichlet(np.full(8, 0.7), songs)) / 128


def scale(values):
    return np.clip(np.round(values * 64) / 64, 1, 9)


def cases():
    rng = np.random.default_rng(20111)
    n = 60
    valence, arousal = scale(rng.normal(5, 1.2, n)), scale(rng.normal(5.2, 1.4, n))
    truth = (percentages(rng, n), valence, arousal)
    good = (
        (3 * truth[0] + percentages(rng, n)) / 4,
        scale(0.6 * valence + 2 + rng.normal(0, 0.6, n)),
        scale(0.8 * arousal + 1 + rng.normal(0, 0.5, n)),
    )
    yield case("a fair model", truth, good)
    poor = (percentages(rng, n), scale(rng.normal(6, 0.5, n)), scale(9.5 - arousal))
    yield case("a model worse than the mean", truth, poor)
    yield case("a perfect model", truth, truth)
    high = (truth[0][:12], scale(5 + rng.random(12) * 3), scale(5 + rng.random(12) * 3))
    mixed = (good[0][:12], scale(4 + rng.random(12) * 3), scale(5 + rng.random(12) * 3))
    yield case("quadrants that nobody names", high, mixed)
    pair = tuple(side[:2] for side in truth)
    yield case("two songs", pair, tuple(side[:2] for side in good))


json.dump(
    {
        "made_with": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "cases": list(cases()),
    },
    sys.stdout,
)
print()
