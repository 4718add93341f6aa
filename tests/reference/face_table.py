"""The emotions of facial expressions by polygon intersection in shapely, an implementation that shares nothing with circumplex.

    python tests/reference/face_table.py make
        writes tests/reference/face_table.csv, with which src/emotion/face_map.rs compares circumplex.

    circumplex face table --csv > table.csv
    python tests/reference/face_table.py check table.csv
        compares what circumplex prints, and prints the largest difference; exits with 1 where it is above 1e-9
        percentage points.

Means and deviations: Warriner, Kuperman & Brysbaert (2013), scale 1 to 9. Needs shapely and numpy. Made with shapely 2.2.
"""

import csv
import sys
from pathlib import Path

from emotion_labels import EMOTIONS, shares

# Valence mean and deviation, arousal mean and deviation.
WORDS = {
    "anger": (2.50, 1.36, 5.93, 2.77),
    "disgust": (3.32, 2.40, 5.00, 2.35),
    "fear": (2.93, 1.79, 6.14, 2.76),
    "happiness": (8.48, 0.81, 6.50, 2.63),
    "sadness": (2.40, 1.10, 2.81, 2.25),
    "surprise": (7.44, 1.58, 6.57, 2.75),
    "neutral": None,
    "contempt": (3.22, 1.80, 4.61, 2.57),
}


def row(word):
    return shares(*word, sigma=1) if word else [12.5] * len(EMOTIONS)


def make(path):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["expression"] + EMOTIONS)
        for name, word in WORDS.items():
            writer.writerow([name] + [repr(float(x)) for x in row(word)])


def check(path):
    worst, found = 0.0, []
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            found.append(line["expression"])
            expected = row(WORDS[line["expression"]])
            worst = max(worst, max(abs(float(line[name]) - x) for name, x in zip(EMOTIONS, expected)))
    print(f"{len(found)} expressions: largest difference {worst:.3g} percentage points")
    return 0 if found == list(WORDS) and worst <= 1e-9 else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make(Path(__file__).with_name("face_table.csv"))
    elif sys.argv[1:2] == ["check"]:
        sys.exit(check(sys.argv[2]))
    else:
        sys.exit(__doc__)
