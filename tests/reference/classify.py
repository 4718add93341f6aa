"""Compares `circumplex classify` with scikit-learn.

    python tests/reference/classify.py                             # the numbers in the tests of src/classify/regression.rs
    python tests/reference/classify.py PROGRAM LIBRARY LABELS [COLUMN]   # a library with labels, probability by probability

scikit-learn fits the same model, StandardScaler and LogisticRegression(C=1/penalty), to the songs that the export says were
labeled. Probabilities are equal within 1e-4. Tried with scikit-learn 1.9. Exits with 77 where it is missing.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import pyarrow.parquet as pq
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
except ImportError as missing:
    print(f"cannot compare: {missing}")
    sys.exit(77)


def fit(songs, labels, penalty):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=100_000))
    return model.fit(songs, labels)


def fixed():
    def song(n):
        def value(m):
            return np.float32(np.float32(n * m % 19) / np.float32(19)) + np.float32([0.0, 0.4, -0.3][n % 3]) * np.float32(m % 4)

        return [value(3), value(5), np.float32(10) * value(7), value(11), np.float32(4)]

    songs = np.array([song(n) for n in range(40)], dtype=np.float64)
    labels = [(n + 1) % 3 if n % 7 == 0 else n % 3 for n in range(40)]
    for penalty in (0.5, 30.0):
        print(penalty, fit(songs, labels, penalty).predict_proba(songs[:3]).round(9).tolist())


def library(program, path, labels, column=None):
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "songs.parquet")
        command = [program, "--quiet", "classify", path, "--labels", labels, "--json", "-o", str(out), "--with", "embedding"]
        command += ["--column", column] if column else []
        ran = subprocess.run(command, capture_output=True, check=False)
        assert ran.returncode in (0, 3), ran.stderr
        report = json.loads(ran.stdout)
        table = pq.read_table(out)
    classes = report["classes"]
    names = [one["class"] for one in classes]
    found = np.stack([table[f"probability_{name}"].to_numpy() for name in names], axis=1)
    audible = ~np.isnan(found[:, 0])
    given = np.array(table["label"].to_pylist(), dtype=object)
    songs = np.array(table["embedding"].to_pylist(), dtype=np.float64)
    is_labeled = np.array([label is not None for label in given]) & audible
    assert is_labeled.sum() == report["songs"]
    model = fit(songs[is_labeled], given[is_labeled].astype(str), report["penalty"])
    expected = model.predict_proba(songs[audible])[:, [list(model.classes_).index(name) for name in names]]
    difference = np.abs(found[audible] - expected).max()
    assert difference < 1e-4, difference
    print(f"{audible.sum()} songs, {len(names)} classes: probabilities differ by at most {difference:.1e}")
    # The scores follow from the confusion matrix.
    confusion = np.array(report["confusion"])
    assert confusion.sum() == report["songs"]
    assert abs(np.trace(confusion) / confusion.sum() - report["accuracy"]) < 1e-12
    f1 = 2 * np.diag(confusion) / (confusion.sum(axis=0) + confusion.sum(axis=1))
    assert np.abs(f1 - [one["f1"] for one in classes]).max() < 1e-12
    assert abs(f1.mean() - report["macro_f1"]) < 1e-12
    print(f"accuracy {report['accuracy']:.3f}, baseline {report['baseline']['accuracy']:.3f}")


if len(sys.argv) > 3:
    library(*sys.argv[1:5])
else:
    fixed()
