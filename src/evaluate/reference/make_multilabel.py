"""Makes multilabel.json: what scikit-learn says of made-up label sets and probabilities.

    python3 make_multilabel.py > multilabel.json

Needs numpy and scikit-learn. The threshold search is written out here: label = probability > threshold, thresholds 0.05
to 0.95 in steps of 0.05, the first of those with the highest micro F1.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.metrics import classification_report, f1_score

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]
THRESHOLDS = [n / 20 for n in range(1, 20)]


def case(name, truth, probabilities, threshold=0.4):
    truth = np.asarray(truth, dtype=int)
    report = classification_report(
        truth, (probabilities > threshold).astype(int), target_names=EMOTIONS, output_dict=True, zero_division=0
    )
    scores = [
        f1_score(truth, (probabilities > each).astype(int), average="micro", zero_division=0) for each in THRESHOLDS
    ]
    return {
        "name": name,
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "threshold": threshold,
        "report": report,
        "micro_f1_of_thresholds": scores,
        "best_threshold": THRESHOLDS[int(np.argmax(scores))],
    }


def cases():
    rng = np.random.default_rng(1304)

    def probabilities(songs, truth=None, skill=0.0):
        noise = rng.random((songs, 8))
        return np.round(noise if truth is None else (1 - skill) * noise + skill * truth, 3)

    for number, (songs, share) in enumerate([(1, 0.5), (2, 0.3), (17, 0.1), (60, 0.4), (60, 0.9), (40, 0.02)]):
        truth = rng.random((songs, 8)) < share
        yield case(f"chance {number}", truth, probabilities(songs))
        yield case(f"skill {number}", truth, probabilities(songs, truth, 0.4), threshold=0.5)

    truth = rng.random((40, 8)) < 0.35
    truth[::4] = False
    yield case("songs without a label", truth, probabilities(40, truth, 0.3))
    truth = rng.random((40, 8)) < 0.35
    truth[:, [2, 6]] = False
    yield case("emotions that no song has", truth, probabilities(40, truth, 0.3))
    guesses = probabilities(40, truth, 0.3)
    guesses[5:20] *= 0.3
    guesses[:, 1] = 0.0
    yield case("songs and emotions without a guess", truth, guesses)
    yield case("nothing guessed", truth, np.zeros((40, 8)))
    yield case("everything guessed", truth, np.ones((40, 8)))
    yield case("no label at all", np.zeros((12, 8)), probabilities(12))
    yield case("neither labels nor guesses", np.zeros((12, 8)), np.zeros((12, 8)))
    yield case("every label", np.ones((12, 8)), probabilities(12))
    grid = rng.integers(0, 21, (50, 8)) / 20
    yield case("probabilities that equal thresholds", rng.random((50, 8)) < grid, grid)


json.dump(
    {"made_with": {"numpy": np.__version__, "scikit-learn": sklearn.__version__}, "cases": list(cases())}, sys.stdout
)
print()
