"""Compares `circumplex cluster` with scikit-learn.

    python tests/reference/cluster.py                     # the numbers in the tests of src/cluster.rs
    python tests/reference/cluster.py PROGRAM LIBRARY     # a library, from the emotions and from random songs

Inertia and silhouette are scikit-learn's for the same clusters, and scikit-learn started at the centers that were found stays
there. From the same start both find the same clusters, unless a center has no song in some round: scikit-learn then moves it
to a song far from its center, circumplex leaves it where it is. Tried with scikit-learn 1.8. Exits with 77 where it
is missing.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
except ImportError as missing:
    print(f"cannot compare: {missing}")
    sys.exit(77)


def kmeans(points, centers):
    return KMeans(len(centers), init=np.array(centers), n_init=1, tol=0, max_iter=300, algorithm="lloyd").fit(points)


def fixed():
    middles = np.array([[3.0, 3.0], [7.0, 4.0], [5.0, 7.0]])
    points = np.array(
        [[middles[n % 3][i] + (n * m) % 17 / 17 * 2.4 - 1.2 for i, m in enumerate((7, 5))] for n in range(60)]
    )
    model = kmeans(points, [[2, 2], [8, 3], [5, 8], [5, 5]])
    print("sizes", np.bincount(model.labels_).tolist())
    print("inertia", repr(float(model.inertia_)))
    print("silhouette", repr(float(silhouette_score(points, model.labels_))))


def library(program, path):
    for options in (["--init", "emotions"], ["--init", "random", "--k", "5", "--seed", "3"]):
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "songs.csv")
            command = [program, "--quiet", "cluster", path, *options, "--json", "-o", str(out)]
            report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            with open(out, encoding="utf-8", newline="") as lines:
                rows = [row for row in csv.DictReader(lines) if row["cluster"]]
        points = np.array([[float(row["valence"]), float(row["arousal"])] for row in rows], dtype=np.float32).astype(float)
        labels = np.array([int(row["cluster"]) for row in rows])
        assert [cluster["songs"] for cluster in report["clusters"]] == np.bincount(labels, minlength=report["k"]).tolist()
        centers = [[cluster["valence"], cluster["arousal"]] for cluster in report["clusters"]]
        inertia = sum(np.sum((points[labels == n] - center) ** 2) for n, center in enumerate(np.array(centers)))
        assert abs(inertia - report["inertia"]) < 1e-6 * inertia, (inertia, report["inertia"])
        if report["silhouette_songs"] == len(rows):
            silhouette = silhouette_score(points, labels)
            assert abs(silhouette - report["silhouette"]) < 1e-9, (silhouette, report["silhouette"])
        # Converged for one is converged for the other.
        filled = sorted(set(labels.tolist()))
        held = kmeans(points, [centers[n] for n in filled])
        assert np.array_equal(np.array(filled)[held.labels_], labels)
        assert abs(held.inertia_ - report["inertia"]) < 1e-6 * inertia, (held.inertia_, report["inertia"])
        line = f"{' '.join(options)}: inertia {report['inertia']:.6f}, silhouette {report['silhouette']:.6f} over {len(rows)} songs"
        model = kmeans(points, [cluster["start"] for cluster in report["clusters"]])
        alike = np.mean(model.labels_ == labels)
        line += f"; scikit-learn from the same start: inertia {model.inertia_:.6f}, {alike:.1%} of the songs in the same cluster"
        print(line)


if len(sys.argv) > 2:
    library(*sys.argv[1:3])
else:
    fixed()
