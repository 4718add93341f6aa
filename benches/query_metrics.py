"""Which metric finds songs of the asked quadrant best: precision at 5, every song as the question.

    python benches/query_metrics.py SONGS.csv PREDICTIONS.parquet [LIBRARY.parquet]

SONGS.csv has `song_id` and `quadrant` (Q1 to Q4, as listeners labeled the song). PREDICTIONS.parquet is what a training run with
folds writes: what the model said of each song when it had not heard it. Each song asks the others, once with the vector of its
label (as --emotions does) and once with the predicted one (as --like does); the precision is the share of the five nearest that
are of its quadrant. LIBRARY.parquet, of the same songs, has embeddings; its model was trained on the songs, so its figures are
too good, and only compare with one another. Needs numpy and pyarrow.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def centred(vectors):
    return unit(vectors - vectors.mean(axis=1, keepdims=True) + 1e-12)


METRICS = {
    "cosine": lambda asked, songs: unit(asked) @ unit(songs).T,
    "centered-cosine": lambda asked, songs: centred(asked) @ centred(songs).T,
    "euclidean": lambda asked, songs: -np.linalg.norm(asked[:, None] - songs[None], axis=2),
}


def precision(similarity, quadrants, k=5):
    """Mean and standard error over the songs."""
    similarity = similarity.copy()
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    right = (quadrants[nearest] == quadrants[:, None]).mean(axis=1)
    return f"{right.mean():.3f} ± {right.std() / len(right) ** 0.5:.3f}"


def main():
    with open(sys.argv[1], newline="") as file:
        quadrant_of = {row["song_id"]: row["quadrant"] for row in csv.DictReader(file)}
    table = pq.read_table(sys.argv[2])
    vectors = lambda side: np.stack([table[f"{side}_{name}"].to_numpy() for name in EMOTIONS], axis=1).astype(float)
    quadrants = np.array([quadrant_of[song] for song in table["song_id"].to_pylist()])
    label, predicted = vectors("true"), vectors("predicted")
    share = max(np.unique(quadrants, return_counts=True)[1]) / len(quadrants)
    print(f"{len(quadrants)} songs that the model had not heard; the commonest quadrant has {share:.3f} of them")
    print(f"{'':16}  asked by label   asked by song")
    for name, metric in METRICS.items():
        by_label, by_song = metric(label, predicted), metric(predicted, predicted)
        print(f"{name:16}  {precision(by_label, quadrants)}    {precision(by_song, quadrants)}")
    if len(sys.argv) < 4:
        return
    table = pq.read_table(sys.argv[3], columns=["path", "emotions", "embedding"])
    ids = [Path(path).stem for path in table["path"].to_pylist()]
    kept = [n for n, song in enumerate(ids) if song in quadrant_of]
    quadrants = np.array([quadrant_of[ids[n]] for n in kept])
    lists = lambda name: np.array(table[name].to_pylist(), dtype=float)[kept]
    emotions, embedding = lists("emotions"), lists("embedding")
    print(f"{len(kept)} songs that the model was trained on, asked by song")
    for name, metric in METRICS.items():
        print(f"{name:16}  {precision(metric(emotions, emotions), quadrants)}")
    print(f"{'embedding':16}  {precision(METRICS['cosine'](embedding, embedding), quadrants)}")


main()
