"""Compares expressions of detected faces with those of whole pictures, on faces of FER+ (needs numpy and Pillow):

    python tests/reference/face_detector.py path/to/ferplus path/to/circumplex

Takes 300 faces of the test part of which more than half of the voters chose one expression, surrounds each with its stretched
edge, and prints how many `face detect` finds, the accuracy of their expressions, the accuracy of `face evaluate` on the same
pictures as they are, and the median width of the detected box as a share of the picture's. With the shipped network, 242 are
found; the accuracy is 0.864 for detected faces and 0.888 for whole pictures.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
part = Path(sys.argv[1]) / "FER2013Test"
program = sys.argv[2]

faces = []
for row in csv.reader(open(part / "label.csv")):
    votes = [int(vote) for vote in row[2:12]]
    most = int(np.argmax(votes))
    if row[0] and most < len(NAMES) and 2 * votes[most] > sum(votes):
        faces.append((row[0], NAMES[most]))
random.seed(3)
faces = random.sample(faces, 300)


def ask(*arguments):
    ran = subprocess.run([program, "face", *arguments, "--json", "--quiet"], stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout)


with tempfile.TemporaryDirectory() as directory:
    place = Path(directory)
    for name, _ in faces:
        face = Image.open(part / name).convert("L").resize((144, 144), Image.BICUBIC)
        Image.fromarray(np.pad(np.asarray(face), 72, mode="edge")).save(place / name)
    detected = ask("detect", *(str(place / name) for name, _ in faces))
    right, widths = 0, []
    for (name, label), picture in zip(faces, detected):
        if not picture["faces"]:
            continue
        face = picture["faces"][0]
        right += max(face["expressions"], key=face["expressions"].get) == label
        widths.append(face["box"][2] / 144)
        (place / "whole" / label).mkdir(parents=True, exist_ok=True)
        (place / "whole" / label / name).write_bytes((part / name).read_bytes())
    whole = ask("evaluate", "--data", str(place / "whole"), "--part", "all")
    print(f"found {len(widths)} of {len(faces)}, median width {np.median(widths):.2f}")
    print(f"accuracy {right / len(widths):.3f} of detected faces, {whole['accuracy']:.3f} of whole pictures")
