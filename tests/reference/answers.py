"""Compares the answers of `circumplex query` with those of DuckDB and NumPy for random questions.

    python tests/reference/answers.py PROGRAM LIBRARY [QUESTIONS] [DUCKDB_QUESTIONS]

QUESTIONS (1,000 unless told) are asked at once with --queries and compared with NumPy in double precision for three metrics; the
first DUCKDB_QUESTIONS (all unless told) also with DuckDB's array_cosine_similarity, and the first 20 with what the program says to
them one by one. Songs whose similarities differ by less than rounding may change places. Needs numpy, pyarrow and duckdb.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

K = 5


def write_questions(path, count):
    rng = np.random.default_rng(7)
    vectors = rng.dirichlet(np.full(8, 0.5), count)
    vectors[::10] = np.eye(8)[rng.integers(0, 8, len(vectors[::10]))]
    vectors = vectors.astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 8)
    pq.write_table(pa.table({"emotions": column}), path)
    return vectors.astype(float)


def similarities(metric, question, songs):
    if metric == "euclidean":
        question = 100 * question / question.sum()
        return 1 - np.sqrt(((songs - question) ** 2).sum(axis=1)) / (100 * 2**0.5)
    if metric == "centered-cosine":
        question = question - question.mean()
        songs = songs - songs.mean(axis=1, keepdims=True)
    return songs @ question / np.linalg.norm(songs, axis=1) / np.linalg.norm(question)


def main():
    program, library = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    in_duckdb = int(sys.argv[4]) if len(sys.argv) > 4 else count
    table = pq.read_table(library, columns=["path", "emotions", "silent"])
    audible = ~np.array(table["silent"].to_pylist(), dtype=bool)
    songs = table["emotions"].combine_chunks().flatten().to_numpy().reshape(-1, 8).astype(float)
    places = {path: n for n, path in enumerate(table["path"].to_pylist())}
    assert len(places) == len(songs)
    with tempfile.TemporaryDirectory() as folder:
        asked, answers = Path(folder) / "questions.parquet", Path(folder) / "answers.parquet"
        questions = write_questions(asked, count)
        for metric in ["cosine", "centered-cosine", "euclidean"]:
            command = [program, "query", "--library", library, "--queries", asked, "-o", answers, "--metric", metric]
            subprocess.run(command, check=True, capture_output=True)
            found = pq.read_table(answers)
            assert found["query"].to_pylist() == [n for n in range(count) for _ in range(K)]
            assert found["rank"].to_pylist() == list(range(1, K + 1)) * count
            said = found["similarity"].to_numpy().reshape(-1, K)
            named = np.array([places[path] for path in found["song"].to_pylist()]).reshape(-1, K)
            worst, other = 0.0, 0
            for n, question in enumerate(questions):
                all_ = np.where(audible, similarities(metric, question, songs), -np.inf)
                best = np.argpartition(-all_, K)[:K]
                best = best[np.lexsort((best, -all_[best]))]
                # The program rounds a question to percentages in single precision; the songs that it names are as near as the nearest.
                worst = max(worst, np.abs(all_[best] - said[n]).max(), np.abs(all_[named[n]] - all_[best]).max())
                assert len(set(named[n])) == K
                other += (best != named[n]).sum()
            assert worst < 5e-8, worst
            print(f"{metric}: {count} questions, similarities within {worst:.0e} of NumPy's, {other} songs of {K * count} in another place")
            if metric != "cosine":
                continue
            db = duckdb.connect()
            db.execute(f"CREATE TABLE songs AS SELECT file_row_number AS n, emotions::FLOAT[8] AS e, silent FROM read_parquet('{library}', file_row_number = true)")
            other, worst = 0, 0.0
            for n, question in enumerate(questions[:in_duckdb]):
                rows = db.execute(
                    """SELECT n, array_cosine_similarity(e, ?::FLOAT[8]) AS s FROM songs
                       WHERE NOT silent ORDER BY s DESC, n LIMIT ?""",
                    [question.tolist(), K],
                ).fetchall()
                for (place, similarity), mine, mine_said in zip(rows, named[n], said[n]):
                    # DuckDB computes in single precision: where it names another song, that one is as near within its rounding.
                    worst = max(worst, abs(similarity - mine_said))
                    other += place != mine
            assert worst < 1e-6, worst
            print(f"{metric}: {in_duckdb} questions, similarities within {worst:.0e} of DuckDB's, {other} songs in another place")
            for n, question in enumerate(questions[:20]):
                vector = ",".join(map(repr, question.tolist()))
                command = [program, "query", "--library", library, "--vector", vector, "--json"]
                one = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
                assert [places[song["path"]] for song in one] == named[n].tolist(), n
                # Alone, the question is not rounded to percentages first in another way.
                assert np.abs(np.array([song["similarity"] for song in one]) - said[n]).max() < 1e-9


main()
