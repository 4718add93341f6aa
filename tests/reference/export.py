"""Reads every format that `circumplex export` writes with a program that is not circumplex, and compares with the library.

    python tests/reference/export.py PROGRAM LIBRARY

The library is read with pyarrow, the exports with pyarrow, DuckDB, Polars, pandas, NumPy, sqlite3 and Hugging Face `datasets`
(skipped if it is not installed). A library that was analyzed with --timeline is compared with its timelines. Tried with
pyarrow 26.0, DuckDB 2.0, Polars 2.1, pandas 3.1, NumPy 2 and datasets 4. Exits with 77 where pyarrow or NumPy is missing.
"""

import csv
import importlib.util
import json
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"cannot compare: {missing}")
    sys.exit(77)

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]
FELT = [f"felt_{name}" for name in EMOTIONS]


def has(module):
    return importlib.util.find_spec(module) is not None


def export(program, library, out, *options):
    subprocess.run([program, "--quiet", "export", library, "-o", str(out), *options], check=True)
    return out


def expected(library):
    """The rows as an export should have them."""
    rows = pq.read_table(library).to_pylist()
    for row in rows:
        vector = row.pop("emotions")
        row.update(zip(EMOTIONS, vector))
        row.update(zip(FELT, row.pop("felt") or [None] * 8))
        row["emotion"] = None if row["silent"] else EMOTIONS[max(range(8), key=lambda n: vector[n])]
    return rows


def check_table(table, rows, what):
    found = table.to_pylist()
    assert len(found) == len(rows), what
    for row, want in zip(found, rows):
        for name, value in row.items():
            assert value == want[name], (what, name, value, want[name])
    metadata = json.loads(table.schema.metadata[b"circumplex_export"])
    assert metadata["emotions"] == EMOTIONS and len(metadata["model"]["identity"]) == 64


def iso(time):
    return time and time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def main():
    program, library = sys.argv[1:3]
    rows = expected(library)
    timelines = any(row["timeline"] for row in rows)
    extra = "path_bytes,embedding" + (",timeline" if timelines else "")
    done = []
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)

        path = export(program, library, directory / "a.parquet", "--with", extra)
        check_table(pq.read_table(path), rows, "parquet")
        done.append("pyarrow (Parquet)")
        if has("duckdb"):
            import duckdb

            total = duckdb.sql(f"SELECT count(*), sum(happy), count(emotion) FROM '{path}'").fetchall()[0]
            assert total[0] == len(rows) and abs(total[1] - sum(row["happy"] for row in rows)) < 1e-3
            assert total[2] == sum(row["emotion"] is not None for row in rows)
            done.append("DuckDB (Parquet)")

        path = export(program, library, directory / "a.arrow", "--with", extra)
        check_table(pa.ipc.open_file(path).read_all(), rows, "arrow")
        check_table(pa.feather.read_table(path), rows, "feather")
        done.append("pyarrow (Arrow, Feather)")
        if has("polars"):
            import polars

            frame = polars.read_ipc(path)
            assert frame["calm"].to_list() == [row["calm"] for row in rows]
            done.append("Polars (Arrow)")

        path = export(program, library, directory / "a.jsonl", "--with", extra)
        with open(path, encoding="utf-8") as lines:
            for line, want in zip(lines, rows, strict=True):
                for name, value in json.loads(line).items():
                    if name in ("modified", "analyzed_at"):
                        assert value == iso(want[name]), (name, value)
                    elif name == "embedding":
                        assert np.array_equal(np.float32(value), np.float32(want[name]))
                    elif name in EMOTIONS + FELT or name in ("valence", "arousal"):
                        assert np.float32(value) == np.float32(want[name]), (name, value)
                    elif name == "timeline":
                        assert (value and len(value)) == (want[name] and len(want[name]))
                    elif name == "path_bytes":
                        assert value == (want[name] and want[name].hex())
                    else:
                        assert value == want[name], (name, value)
        done.append("json (JSON lines)")

        path = export(program, library, directory / "a.csv", "--with", extra)
        with open(path, encoding="utf-8", newline="") as lines:
            for found, want in zip(csv.DictReader(lines), rows, strict=True):
                assert found["path"] == want["path"] and found["title"] == (want["title"] or "")
                assert np.float32(found["tense"]) == np.float32(want["tense"])
                assert np.array_equal(np.float32(json.loads(found["embedding"])), np.float32(want["embedding"]))
                assert found["analyzed_at"] == iso(want["analyzed_at"])
        done.append("csv (CSV)")
        if has("pandas"):
            import pandas

            frame = pandas.read_csv(path, parse_dates=["analyzed_at"])
            assert len(frame) == len(rows) and str(frame["analyzed_at"].dtype).startswith("datetime64")
            assert np.array_equal(np.float32(frame["valence"]), np.float32([row["valence"] for row in rows]))
            done.append("pandas (CSV)")

        path = export(program, library, directory / "a.npy", "--with", "embedding")
        vectors, embedding = np.load(path), np.load(directory / "a.embedding.npy")
        assert vectors.dtype == np.float32 and vectors.shape == (len(rows), 8)
        assert np.array_equal(vectors, np.float32([[row[e] for e in EMOTIONS] for row in rows]))
        assert np.array_equal(embedding, np.float32([row["embedding"] for row in rows]))
        with open(directory / "a.index.csv", encoding="utf-8", newline="") as lines:
            for number, (found, want) in enumerate(zip(csv.DictReader(lines), rows, strict=True)):
                assert int(found["row"]) == number and found["path"] == want["path"]
        done.append("NumPy")

        path = export(program, library, directory / "a.sqlite", "--with", extra)
        database = sqlite3.connect(path)
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        names = "path, artist, arousal, emotion, analyzed_at"
        found = database.execute(f"SELECT {names}, vector FROM song JOIN embedding ON song_id = id ORDER BY id").fetchall()
        for row, want in zip(found, rows, strict=True):
            assert row[:4] == (want["path"], want["artist"], want["arousal"], want["emotion"])
            assert row[4] == iso(want["analyzed_at"])
            assert struct.unpack(f"<{len(want['embedding'])}f", row[5]) == tuple(want["embedding"])
        assert database.execute("SELECT count(*), max(length(identity)) FROM model").fetchone() == (1, 64)
        if timelines:
            felt = rows[0]["felt_content"] is not None
            flat = [
                (n, m["start_s"], m["arousal"], m["emotions"][7]) + ((m["felt"][7],) if felt else ())
                for n, row in enumerate(rows, start=1)
                for m in row["timeline"] or []
            ]
            names = "song_id, start_s, arousal, content" + (", felt_content" if felt else "")
            query = f"SELECT {names} FROM moment ORDER BY song_id, number"
            assert database.execute(query).fetchall() == flat
        database.close()
        done.append("sqlite3")

        options = ["--format", "huggingface", "--with", "embedding" + (",timeline" if timelines else "")]
        path = export(program, library, directory / "set", *options)
        if has("datasets"):
            import datasets

            datasets.disable_progress_bars()
            load = lambda name: datasets.load_dataset(str(path), name, split="train", cache_dir=str(directory / "cache"))
            songs = datasets.load_dataset(str(path), split="train", cache_dir=str(directory / "cache"))
            assert songs.num_rows == len(rows) and songs["path"][:3] == [row["path"] for row in rows[:3]]
            assert load("songs")["happy"][:] == [row["happy"] for row in rows]
            if timelines:
                assert load("windows").num_rows == sum(len(row["timeline"] or []) for row in rows)
            done.append("datasets")

        path = export(program, library, directory / "lists", "--format", "m3u8")
        for emotion in EMOTIONS:
            lines = (path / f"{emotion}.m3u8").read_text(encoding="utf-8").splitlines()
            want = sorted((row for row in rows if row["emotion"] == emotion), key=lambda row: -row[emotion])
            assert [line for line in lines if not line.startswith("#")] == [row["path"] for row in want], emotion
        done.append("playlists")
    print(f"{len(rows)} songs read back alike by {', '.join(done)}")


main()
