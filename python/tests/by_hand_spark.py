"""Spark on two workers in processes of their own. Run by hand; needs pyspark and Java 17.

    python by_hand_spark.py MUSIC LIBRARY

Compares the library with the music: every song once.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import spark_library

music, library = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
songs = sorted(music.rglob("*.mp3"))
SparkSession.builder.master("local-cluster[2,1,1024]").getOrCreate()
start = time.monotonic()
spark_library.main(str(music), str(library))
took = time.monotonic() - start
parts = sorted(library.glob("*.parquet"))
paths = Counter(path for part in parts for path in pq.read_table(part)["path"].to_pylist())
once = paths == Counter(f"file:{song}" for song in songs)
print(f"{len(songs)} songs, {sum(paths.values())} rows in {len(parts)} parts, {took:.1f} s: every song once: {once}")
sys.exit(not once)
