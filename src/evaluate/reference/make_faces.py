"""Makes faces.json: what scikit-learn says of made-up probabilities of expressions.

    python3 make_faces.py > faces.json

Needs numpy and scikit-learn.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    classification_report,
    confusion_matrix,
    f1_score,
    roc_auc_score,
)

EXPRESSIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt"]


def case(name, truth, probabilities):
    truth = np.asarray(truth)
    answers = probabilities.argmax(1)
    report = classification_report(
        truth, answers, labels=range(8), target_names=EXPRESSIONS, output_dict=True, zero_division=0
    )
    expressions = {}
    for number, expression in enumerate(EXPRESSIONS):
        own, scores = truth == number, probabilities[:, number]
        row = report[expression]
        expressions[expression] = {
            "precision": row["precision"],
            "recall": row["recall"],
            "f1-score": row["f1-score"],
            "support": int(row["support"]),
            "roc_auc": float(roc_auc_score(own, scores)) if 0 < own.sum() < len(own) else None,
            "average_precision": float(average_precision_score(own, scores)) if own.any() else None,
        }
    return {
        "name": name,
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "accuracy": float(accuracy_score(truth, answers)),
        "macro_f1": float(f1_score(truth, answers, average="macro", zero_division=0)),
        "confusion": confusion_matrix(truth, answers, labels=range(8)).tolist(),
        "expressions": expressions,
    }


def cases():
    rng = np.random.default_rng(48)

    def probabilities(truth, skill):
        noise = rng.random((len(truth), 8)) + skill * np.eye(8)[truth]
        return np.round(noise / noise.sum(1, keepdims=True), 3)

    for skill in (0.0, 0.5, 2.0):
        for faces in (2, 30, 120):
            truth = rng.integers(0, 8, faces)
            yield case(f"{faces} faces, skill {skill}", truth, probabilities(truth, skill))
    truth = rng.integers(0, 5, 60)
    yield case("five of the expressions", truth, probabilities(truth, 0.8))
    truth = np.full(12, 3)
    yield case("one expression", truth, probabilities(truth, 0.2))
    truth = rng.integers(0, 8, 80)
    yield case("many equal probabilities", truth, np.round(probabilities(truth, 0.7), 1))


json.dump(
    {"made_with": {"numpy": np.__version__, "scikit-learn": sklearn.__version__}, "cases": list(cases())}, sys.stdout
)
print()
