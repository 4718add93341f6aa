"""Times exact search over many millions of songs, and an index over the same vectors.

    python benches/scale.py PROGRAM FOLDER MILLIONS [INDEXED]

Writes MILLIONS Parquet files of a million made-up songs each into FOLDER (30 MB each; kept for another run), asks
`circumplex query` and DuckDB for the five nearest to a vector in all of them, and builds a USearch index over the first INDEXED
millions (0: none). Whole processes, files in the page cache; the least of three rounds. Needs duckdb, numpy, pyarrow and, for an
index, usearch.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

MILLION = 1_000_000
ASKED = [60, 40, 0, 0, 5, 0, 1, 10]

DUCKDB = f"""
import duckdb, sys
print(duckdb.connect().execute('''SELECT path, array_cosine_similarity(emotions::FLOAT[8], {ASKED}::FLOAT[8]) AS similarity
  FROM read_parquet(?) ORDER BY similarity DESC LIMIT 5''', [sys.argv[1] + '/*.parquet']).fetchall())
"""


def vectors(part):
    """A million vectors: mixtures of 40 moods, as the songs of a collection are of some kinds."""
    import numpy as np

    random = np.random.default_rng(part)
    moods = np.random.default_rng(0).dirichlet(np.full(8, 0.7), 40)
    shares = moods[random.integers(len(moods), size=MILLION)] + random.gamma(0.3, 0.1, (MILLION, 8))
    return (100 * shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def write(target, part):
    import pyarrow as pa
    import pyarrow.parquet as pq

    if target.exists():
        return
    emotions = pa.FixedSizeListArray.from_arrays(pa.array(vectors(part).ravel()), 8)
    paths = pa.array([f"/music/{part:04}/{n:06}.mp3" for n in range(MILLION)])
    unfinished = target.with_suffix(".tmp")
    pq.write_table(pa.table({"path": paths, "emotions": emotions}), unfinished, use_dictionary=False, compression="zstd")
    unfinished.rename(target)


def once(command):
    """Seconds, processor time, and MB at most, of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, text.decode()


def search(program, folder):
    questions = ",".join(map(str, ASKED))
    commands = {
        "circumplex": [program, "query", "--library", folder, "--vector", questions],
        "DuckDB": [sys.executable, "-c", DUCKDB, folder],
    }
    for name, command in commands.items():
        rounds = [once(command) for _ in range(3)]
        seconds, cpu, memory = (min(round[n] for round in rounds) for n in range(3))
        print(f"{name:12} {seconds:8.2f} s {cpu:8.2f} s of CPU {memory:7.0f} MB", flush=True)


def index(millions):
    import numpy as np
    from usearch.index import Index

    built = Index(ndim=8, metric="cos", dtype="f32")
    start = time.process_time()
    for part in range(millions):
        built.add(np.arange(part * MILLION, (part + 1) * MILLION), vectors(part), threads=2)
    built_s = time.process_time() - start
    asked = vectors(10_000)[:1_000]
    truth = np.zeros((len(asked), 5))
    scores = np.full((len(asked), 5), -np.inf)
    asked_unit = asked / np.linalg.norm(asked, axis=1, keepdims=True)
    for part in range(millions):
        songs = vectors(part)
        songs /= np.linalg.norm(songs, axis=1, keepdims=True)
        for begin in range(0, len(asked), 100):
            rows = slice(begin, begin + 100)
            found = asked_unit[rows] @ songs.T
            best = np.argpartition(-found, 5, axis=1)[:, :5]
            all_scores = np.hstack([scores[rows], np.take_along_axis(found, best, axis=1)])
            all_songs = np.hstack([truth[rows], best + part * MILLION])
            kept = np.argsort(-all_scores, axis=1)[:, :5]
            scores[rows] = np.take_along_axis(all_scores, kept, axis=1)
            truth[rows] = np.take_along_axis(all_songs, kept, axis=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        built.save(path)
        size = path.stat().st_size
    start = time.process_time()
    matches = built.search(asked, 5, threads=1)
    each_ms = 1e3 * (time.process_time() - start) / len(asked)
    right = np.mean([len(set(one.keys) & set(true)) / 5 for one, true in zip(matches, truth)])
    print(f"USearch over {millions} million: built in {built_s:.0f} s of CPU, {size / 1e6:.0f} MB, {each_ms:.2f} ms a question, {100 * right:.1f} % of the five nearest found")


def main():
    program, folder, millions = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / f"part-{part:04}.parquet" for part in range(millions)]
    # In processes of their own: a child's memory is never counted as less than its parent's.
    with ProcessPoolExecutor(2) as workers:
        list(workers.map(write, targets, range(millions)))
    files = sorted(folder.glob("part-*.parquet"))
    assert len(files) == millions, f"{folder} holds {len(files)} files; give an empty folder or {len(files)}"
    for path in files:
        path.read_bytes()
    print(f"{millions} million songs, {sum(path.stat().st_size for path in files) / 1e6:.0f} MB")
    search(program, str(folder))
    if len(sys.argv) > 4 and int(sys.argv[4]):
        index(int(sys.argv[4]))


if __name__ == "__main__":
    main()
