"""Are valence and arousal crossed in DEAM's static_annotations_averaged_songs_1_2000.csv? Asks emoMusic.

    python deam/crossed_columns.py <folder with DEAM> <folder with emoMusic>

The 744 songs of DEAM with ids up to 1000 are emoMusic's (Soleymani et al. 2013). Its annotations.zip holds
static_annotations.csv, arousal_cont_average.csv and valence_cont_average.csv. Needs pandas.
"""

import sys
from pathlib import Path

import pandas as pd

deam, emomusic = Path(sys.argv[1]), Path(sys.argv[2])
static = pd.read_csv(next(deam.rglob("static_annotations_averaged_songs_1_2000.csv")), skipinitialspace=True)
static.columns = static.columns.str.strip()
static = static.set_index("song_id")
static = static[static.index <= 1000]

theirs = pd.read_csv(emomusic / "static_annotations.csv").set_index("song_id").loc[static.index]
dynamic = {
    name: pd.read_csv(emomusic / f"{name}_cont_average.csv").set_index("song_id").mean(axis=1).loc[static.index]
    for name in ("valence", "arousal")
}
print(f"{len(static)} songs with ids up to 1000")
for column in ("valence_mean", "arousal_mean"):
    for name in ("valence", "arousal"):
        other = theirs[f"mean_{name}"]
        same = ((static[column] - other).abs() <= 0.051).sum()
        print(
            f"{column}: with emoMusic's static {name} r = {static[column].corr(other):.4f}, "
            f"equal to one decimal in {same} songs; with its per-second {name} r = {static[column].corr(dynamic[name]):.3f}"
        )
