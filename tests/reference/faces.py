"""Compares the scores of `circumplex face train` or `face evaluate` with scikit-learn's, and its answers with ONNX Runtime's.

    pip install numpy scikit-learn onnxruntime pillow
    python tests/reference/faces.py RUN FERPLUS

RUN is the directory of a run on FER+: its predictions.csv and scores.json are read. FERPLUS is FER+'s directory: the model of
the run answers for its test pictures, all as one batch, and must give the same probabilities.
"""

import csv
import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from PIL import Image
from sklearn.metrics import accuracy_score, average_precision_score, confusion_matrix, f1_score, roc_auc_score

run, data = map(Path, sys.argv[1:])
with open(run / "predictions.csv") as file:
    rows = list(csv.DictReader(file))
expressions = list(rows[0])[3:]
scores = json.loads((run / "scores.json").read_text())
probabilities = numpy.array([[float(row[name]) for name in expressions] for row in rows])

judged = [row["expression"] != "" for row in rows]
truth = numpy.array([expressions.index(row["expression"]) for row in rows if row["expression"]])
own = probabilities[judged]
answers = own.argmax(1)
pairs = [
    ("accuracy", accuracy_score(truth, answers)),
    ("macro_f1", f1_score(truth, answers, average="macro", zero_division=0)),
    ("macro_roc_auc", numpy.mean([roc_auc_score(truth == n, own[:, n]) for n in range(8)])),
    ("macro_average_precision", numpy.mean([average_precision_score(truth == n, own[:, n]) for n in range(8)])),
]
for name, value in pairs:
    print(f"{name}: {scores[name]:.6f}, scikit-learn {value:.6f}")
    assert abs(scores[name] - value) < 1e-6
assert (confusion_matrix(truth, answers, labels=range(8)) == numpy.array(scores["confusion"])).all()

# the paper's own majority: of the votes without those that stand alone
columns = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "no face"]
answered = {row["face"]: row["answer"] for row in rows}
right = []
for row in csv.reader(open(data / "FER2013Test" / "label.csv")):
    votes = numpy.array([int(vote) if int(vote) > 1 else 0 for vote in row[2:]])
    if votes.max() * 2 > votes.sum() and votes.argmax() < 8:
        right.append(answered[f"FER2013Test/{row[0]}"] == columns[votes.argmax()])
print(f"accuracy on the {len(right)} faces with a majority by the rule of FER+'s paper: {numpy.mean(right):.3f}")

faces = numpy.array([numpy.asarray(Image.open(data / row["face"]).convert("L")) for row in rows], dtype=numpy.float32)
session = onnxruntime.InferenceSession(run / "model.onnx", providers=["CPUExecutionProvider"])
(theirs,) = session.run(["expressions"], {"face": faces[:, None]})
worst = abs(theirs - probabilities).max()
print(f"{len(rows)} faces, largest difference of a probability from ONNX Runtime's {worst:.1e}")
assert worst < 1e-4
