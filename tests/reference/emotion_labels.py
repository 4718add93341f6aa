"""Labels by polygon intersection in shapely, an implementation that shares nothing with circumplex.

    python tests/reference/emotion_labels.py make
        writes tests/reference/emotion_boxes.csv: random boxes, many of them clipped by the scale, and their shares
        in the eight sectors; src/emotion/circumplex_tests.rs compares circumplex with it.

    circumplex labels <DEAM directory> -o labels.csv
    python tests/reference/emotion_labels.py check labels.csv [sigma]
        compares every row of a table that circumplex wrote with shapely, and prints the largest
        difference; exits with 1 where it is above 1e-9 percentage points.

Needs shapely and numpy. Made with shapely 2.2.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon, box

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]
SQUARE = box(1, 1, 9, 9)
# Triangles from the center, one octant of the square each, counter-clockwise from the positive valence axis.
BORDER = [(9, 5), (9, 9), (5, 9), (1, 9), (1, 5), (1, 1), (5, 1), (9, 1), (9, 5)]
SECTORS = [Polygon([(5, 5), a, b]) for a, b in zip(BORDER, BORDER[1:])]


def shares(v, vs, a, as_, sigma):
    rectangle = box(v - sigma * vs, a - sigma * as_, v + sigma * vs, a + sigma * as_).intersection(SQUARE)
    parts = [rectangle.intersection(sector) for sector in SECTORS]
    return [100 * part.area / rectangle.area for part in parts]


def make(path):
    rng = np.random.default_rng(20170310)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = ["valence_mean", "valence_std", "arousal_mean", "arousal_std", "sigma"]
        writer.writerow(names + EMOTIONS)
        for _ in range(300):
            v, a = (float(x) for x in np.round(rng.uniform(1, 9, 2), 2))
            vs, as_ = (float(x) for x in np.round(rng.uniform(0.05, 3, 2), 2))
            sigma = int(rng.integers(1, 4))
            row = [v, vs, a, as_, sigma]
            row += shares(v, vs, a, as_, sigma)
            writer.writerow([repr(x) for x in row])


def check(path, sigma):
    worst, rows = 0.0, 0
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            values = [float(row[k]) for k in ("valence_mean", "valence_std", "arousal_mean", "arousal_std")]
            expected = shares(*values, sigma)
            found = [float(row[name]) for name in EMOTIONS]
            worst = max(worst, max(abs(x - y) for x, y in zip(expected, found)))
            rows += 1
    print(f"{rows} songs, sigma {sigma:g}: largest difference {worst:.3g} percentage points")
    return 0 if rows and worst <= 1e-9 else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make(Path(__file__).with_name("emotion_boxes.csv"))
    elif sys.argv[1:2] == ["check"]:
        sys.exit(check(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 1.0))
    else:
        sys.exit(__doc__)
