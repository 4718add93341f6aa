"""Writes where.tsv: conditions, and the rows of ten songs that DuckDB finds for each (src/query/filter/tests.rs makes the same songs).

    python tests/reference/where.py > tests/reference/where.tsv

With a program and a library it compares instead what `circumplex query --where` and DuckDB find in that library:

    python tests/reference/where.py PROGRAM LIBRARY

Needs duckdb and numpy (tried with DuckDB 2.0).
"""

import json
import subprocess
import sys

import duckdb
import numpy as np

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]
CONDITIONS = r"""
genre = 'Jazz'
genre <> 'Jazz'
genre != 'Jazz'
'Jazz' = genre
NOT genre = 'Jazz'
genre = NULL
genre <> NULL
NOT (genre = NULL)
genre IS NULL
genre IS NOT NULL
NOT genre IS NULL
genre = NULL OR valence > 6
genre = NULL AND valence > 6
NOT (genre = NULL AND valence > 6)
NOT (genre = NULL OR valence > 6)
genre = 'Rock' OR title IS NULL
genre = 'Rock' AND title IS NULL
NOT (genre = 'Rock' AND title = 'Night')
genre IN ('Jazz', 'Rock')
genre IN ('Jazz', NULL)
genre NOT IN ('Jazz', 'Rock')
genre NOT IN ('Jazz', NULL)
genre ILIKE 'JAZZ'
genre LIKE 'J%'
genre NOT LIKE 'J%'
genre ILIKE 'j%'
genre NOT ILIKE 'j%'
title LIKE '%ight%'
title LIKE 'Night'
title LIKE 'night_%'
title LIKE 'night!_%' ESCAPE '!'
title LIKE '100%'
title LIKE '100!%' ESCAPE '!'
title LIKE '_ber'
title ILIKE 'über'
title LIKE 'a\b'
title LIKE 'a\\b'
title LIKE '%\%'
title LIKE ''
title LIKE '%'
title = ''
title = 'O''Hara'
title LIKE '%''%'
title LIKE 'nightly%news'
title LIKE NULL
title > 'Z'
title < 'a'
valence = 5.6
valence > 5.6
valence >= 5.6
valence < 5.6
valence <= 5.6
valence BETWEEN 5.6 AND 5.9
valence NOT BETWEEN 5.6 AND 5.9
valence BETWEEN 5.9 AND 5.6
valence BETWEEN NULL AND 5.6
NOT (valence BETWEEN NULL AND 5.6)
valence IN (5.5, 6, 6.1)
valence > arousal
valence >= arousal
arousal = 6
arousal = 6.0
6 <= arousal AND arousal < 7
duration > 120
duration_s = 120.1
duration BETWEEN 60.1 AND 180.1
duration < 1e2
duration > -5
duration > channels
channels = 2 AND sample_rate = 44100
sample_rate >= 44100.5
size_bytes = 3
size_bytes > 2.5
happy > 20
happy > calm
happy = 30
happy = 10
strongest = 'tense'
strongest IN ('happy', 'excited')
strongest LIKE '%e%'
path LIKE '%/00000_.mp3'
artist = 'Someone'
artist IS NULL AND genre IS NULL
GENRE = 'Jazz'
"genre" = 'Jazz'
(genre = 'Jazz' OR genre = 'Rock') AND duration < 200
genre = 'Jazz' OR genre = 'Rock' AND duration < 200
NOT genre = 'Jazz' AND duration < 200
damaged_packets = 0
album IS NULL
""".strip().split("\n")

VIEW = (
    "SELECT *, duration_s AS duration, "
    + ", ".join(f"emotions[{n + 1}] AS {name}" for n, name in enumerate(EMOTIONS))
    + ", (ARRAY["
    + ", ".join(f"'{name}'" for name in EMOTIONS)
    + "])[list_position(emotions, list_max(emotions))] AS strongest FROM "
)


def ten_songs(db):
    titles = ["Night", "night_train", "100%", None, "Über", "a\\b", "", "O'Hara", None, "nightly\nnews"]
    genres = ["Jazz", "jazz", None, "Rock", None, "Soul", "Jazz", "Rock", None, "Pop"]
    db.execute(
        """CREATE TABLE ten (n INT, path VARCHAR, title VARCHAR, artist VARCHAR, album VARCHAR, genre VARCHAR, duration_s DOUBLE,
           valence FLOAT, arousal FLOAT, emotions FLOAT[], sample_rate INT, channels INT, size_bytes BIGINT, damaged_packets BIGINT)"""
    )
    for n in range(10):
        weights = [3.0 if e == n % 8 else 1.0 for e in range(8)]
        valence = float(np.float32(5.5) + np.float32(0.1) * np.float32(n))
        row = [n, f"/music/{n:06}.mp3", titles[n], "Someone" if n % 2 else None, None, genres[n], 60.0 * n + 0.1, valence, 6.0]
        row += [[100 * w / sum(weights) for w in weights], 44100, 2, n, int(n % 5 == 0)]
        db.execute(f"INSERT INTO ten VALUES ({', '.join('?' * len(row))})", row)


def write():
    db = duckdb.connect()
    ten_songs(db)
    for condition in CONDITIONS:
        found = db.execute(f"SELECT n FROM ({VIEW} ten) WHERE {condition} ORDER BY n").fetchall()
        print(condition, " ".join(str(n) for (n,) in found), sep="\t")


def compare(program, library):
    db = duckdb.connect()
    db.execute(f"CREATE VIEW songs AS {VIEW} read_parquet('{library}')")
    compared = 0
    for condition in CONDITIONS:
        expected = db.execute(
            f"SELECT path FROM songs WHERE ({condition}) AND NOT silent ORDER BY path"
        ).fetchall()
        said = subprocess.run(
            [program, "query", "--library", library, "--emotions", "happy=1", "-k", "all", "--json", "--where", condition],
            capture_output=True,
            check=True,
        )
        found = sorted(song["path"] for song in json.loads(said.stdout))
        assert found == [path for (path,) in expected], (condition, len(found), len(expected))
        compared += len(found)
    print(f"{len(CONDITIONS)} conditions find the same {compared} rows")


if len(sys.argv) == 3:
    compare(*sys.argv[1:])
else:
    write()
