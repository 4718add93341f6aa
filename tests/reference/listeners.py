"""Compares the agreement with listeners that `circumplex train` reports with SciPy's and pandas' of the same answers.

    python tests/reference/listeners.py RUN VOTES/songs.csv      (needs numpy, pandas, pyarrow, scipy)

RUN is the directory of a run with votes: `votes.parquet` has the held-out answers, `scores.json` the figures.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

EMOTIONS = "happy excited tense frustrated depressed tired calm content".split()
TOP = 10


def main():
    run, table = Path(sys.argv[1]), pd.read_csv(sys.argv[2])
    votes = table.set_index(table["song_id"].astype(str))
    answers = pd.read_parquet(run / "votes.parquet").set_index("song_id")
    votes = votes.loc[answers.index]
    scores = json.loads((run / "scores.json").read_text())
    worst = 0.0
    for vector, agreement in scores["listeners"].items():
        shares = np.stack(answers[vector].to_list()).astype(float)
        assert agreement["songs"] == len(answers)
        for mood in agreement["moods"]:
            share, chosen = shares[:, EMOTIONS.index(mood["emotion"])], votes[mood["word"]].to_numpy()
            first = np.argsort(-share, kind="stable")[:TOP]
            expected = {"rho": spearmanr(share, chosen)[0], "lift": chosen[first].mean() / chosen.mean()}
            for name, value in expected.items():
                found = mood[name]
                assert found["low"] <= found["high"]
                worst = max(worst, abs(found["value"] - value))
                print(f"{vector:10} {mood['word']:18} {name:5} {found['value']:.4f}, expected {value:.4f}")
    print(f"largest difference {worst:.2e}")
    assert worst < 1e-6


if __name__ == "__main__":
    main()
