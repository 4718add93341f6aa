"""Times `circumplex query` against DuckDB, Polars and NumPy on the same library.

    python benches/query_peers.py PROGRAM LIBRARY [RUNS]

`cargo xtask million-songs -o million.parquet` makes a library. Whole processes are timed, each started anew with the file in the
page cache; one round after another, so that other work on the machine hits all alike; the least and the median are printed, with
the largest memory of the process. Then many questions: the program's `--queries` against NumPy's matrix product and argpartition.
Needs duckdb, polars, numpy and pyarrow (tried with DuckDB 2.0, Polars 2.1, NumPy 2.4).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VECTOR = [60, 40, 0, 0, 5, 0, 1, 10]
ASKED = ",".join(map(str, VECTOR))
AUDIBLE = "NOT silent"

DUCKDB = f"""
import duckdb, sys
print(duckdb.connect().execute('''SELECT path, valence, arousal, emotions,
  array_cosine_similarity(emotions::FLOAT[8], {VECTOR}::FLOAT[8]) AS similarity
  FROM read_parquet(?) WHERE {AUDIBLE} ORDER BY similarity DESC LIMIT 5''', [sys.argv[1]]).fetchall())
"""

POLARS = f"""
import polars as pl, sys
asked = {VECTOR}
part = lambda n: pl.col("emotions").arr.get(n) if fixed else pl.col("emotions").list.get(n)
frame = pl.scan_parquet(sys.argv[1])
fixed = isinstance(frame.collect_schema()["emotions"], pl.Array)
dot = pl.sum_horizontal(part(n) * value for n, value in enumerate(asked))
square = pl.sum_horizontal(part(n) * part(n) for n in range(8))
similarity = dot / square.sqrt() / sum(value * value for value in asked) ** 0.5
audible = ~pl.col("silent")
print(frame.filter(audible).select("path", "valence", "arousal", similarity.alias("similarity")).top_k(5, by="similarity").collect().rows())
"""

NUMPY = """
import numpy as np, sys, time
import pyarrow.parquet as pq
songs = pq.read_table(sys.argv[1], columns=["emotions"])["emotions"].combine_chunks()
songs = songs.flatten().to_numpy().reshape(-1, 8)
songs = songs / np.linalg.norm(songs, axis=1, keepdims=True)
questions = pq.read_table(sys.argv[2])["emotions"].combine_chunks().flatten().to_numpy().reshape(-1, 8)
questions = questions / np.linalg.norm(questions, axis=1, keepdims=True)
best = np.inf
for chunk in np.array_split(questions, max(1, len(questions) // 20)):
    start = time.perf_counter()
    scores = chunk @ songs.T
    found = np.argpartition(-scores, 5, axis=1)[:, :5]
    best = min(best, (time.perf_counter() - start) / len(chunk))
print(best)
"""

QUESTIONS = """
import numpy as np, sys
import pyarrow as pa, pyarrow.parquet as pq
vectors = np.random.default_rng(1).dirichlet(np.full(8, 0.7), int(sys.argv[2])).astype(np.float32).ravel()
pq.write_table(pa.table({"emotions": pa.FixedSizeListArray.from_arrays(pa.array(vectors), 8)}), sys.argv[1])
"""


def once(command):
    """Seconds, and MB at most, of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    assert os.waitstatus_to_exitcode(status) == 0, command
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, text.decode()


def main():
    program, library = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    python = sys.executable
    commands = {
        "circumplex": [program, "query", "--library", library, "--vector", ASKED],
        "DuckDB": [python, "-c", DUCKDB, library],
        "Polars": [python, "-c", POLARS, library],
        "(python, import duckdb)": [python, "-c", "import duckdb"],
    }
    with open(library, "rb") as file:
        while file.read(1 << 24):
            pass
    taken = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(once(command))
    print(f"{'':24} {'least':>9} {'median':>9} {'CPU':>9} {'memory':>9}")
    for name, rounds in taken.items():
        seconds = [round[0] for round in rounds]
        cpu = min(round[1] for round in rounds)
        memory = max(round[2] for round in rounds)
        print(f"{name:24} {min(seconds):8.3f}s {statistics.median(seconds):8.3f}s {cpu:8.3f}s {memory:6.0f} MB")

    with tempfile.TemporaryDirectory() as folder:
        questions, answers = Path(folder) / "questions.parquet", Path(folder) / "answers.parquet"
        times = {}
        for count in (1, 1000):
            # In a process of its own: a child's memory is never counted as less than its parent's.
            once([python, "-c", QUESTIONS, questions, str(count)])
            command = [program, "query", "--library", library, "--queries", questions, "-o", answers]
            rounds = [once(command) for _ in range(max(3, runs // 2))]
            times[count] = min(round[0] for round in rounds)
            cpu = min(round[1] for round in rounds)
            memory = max(round[2] for round in rounds)
        ours = (times[1000] - times[1]) / 999
        numpy = min(float(once([python, "-c", NUMPY, library, questions])[3]) for _ in range(2))
        print(f"per question, many at once: circumplex {1e3 * ours:.2f} ms (whole process for 1,000: {times[1000]:.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MB), ", end="")
        print(f"NumPy {1e3 * numpy:.2f} ms (reading not counted)")


main()
