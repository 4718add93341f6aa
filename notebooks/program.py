"""The program, the tiny data set, and the eight emotions with their colors, for all notebooks."""

import os
import subprocess
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
MINI = ROOT / "deam" / "mini"
PROGRAM = os.environ.get("CIRCUMPLEX", ROOT / "target" / "release" / "circumplex")
# Everything that a notebook writes, gone when it ends.
DIRECTORY = tempfile.TemporaryDirectory(prefix="circumplex-")
WORK = Path(DIRECTORY.name)

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]
COLORS = ["#f5b800", "#f07818", "#d63031", "#9d2464", "#583a8e", "#4c6eb0", "#2a9da2", "#7ab23c"]

# Small pictures in the stored notebooks, and tables that are not wrapped.
plt.rcParams["figure.dpi"] = 72
pl.Config.set_tbl_width_chars(200)


def circumplex(*arguments):
    """Run `circumplex --quiet ARGUMENTS` in the directory WORK and return what it prints."""
    command = [PROGRAM, "--quiet", *arguments]
    run = subprocess.run(command, cwd=WORK, capture_output=True, text=True, encoding="utf-8")
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return run.stdout


def draw_plane(axes):
    """Draw the eight sectors of the valence-arousal plane."""
    border = [(9, 5), (9, 9), (5, 9), (1, 9), (1, 5), (1, 1), (5, 1), (9, 1), (9, 5)]
    names = [(7.9, 6.2), (6.4, 8.4), (3.6, 8.4), (2.2, 6.2), (2.2, 3.8), (3.6, 1.6), (6.4, 1.6), (7.9, 3.8)]
    for n, (name, color) in enumerate(zip(EMOTIONS, COLORS)):
        corners = [(5, 5), border[n], border[n + 1]]
        axes.fill(*zip(*corners), color=color, alpha=0.15, linewidth=0)
        axes.text(*names[n], name, ha="center", va="center", fontsize=8, color="0.35")
    axes.set(xlim=(1, 9), ylim=(1, 9), xlabel="valence", ylabel="arousal", aspect="equal")
