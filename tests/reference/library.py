"""Reads a library with pyarrow and with DuckDB and compares its answers with those of `circumplex query`.

    python tests/reference/library.py PROGRAM LIBRARY [QUESTIONS]

Checks the columns and their types, the JSON in the footer, that every row is valid, that pyarrow, DuckDB and Polars (where
it is installed) read the same timelines, and that for QUESTIONS random vectors
(20 unless told) the nearest songs and their similarities equal DuckDB's array_cosine_similarity. Needs pyarrow and duckdb
(tried with pyarrow 26.0, DuckDB 2.0 and Polars). Exits with 77 where they are not installed.
"""

import json
import random
import subprocess
import sys

try:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"cannot compare: {missing}")
    sys.exit(77)

try:
    import polars
except ImportError:
    polars = None

EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]
NUMBER = pa.field("item", pa.float32(), nullable=False)
COLUMNS = {
    "path": (pa.string(), False),
    "path_bytes": (pa.binary(), True),
    "track": (pa.int32(), True),
    "track_start_s": (pa.float64(), True),
    "track_end_s": (pa.float64(), True),
    "size_bytes": (pa.int64(), False),
    "modified": (pa.timestamp("us", tz="UTC"), True),
    "duration_s": (pa.float64(), False),
    "sample_rate": (pa.int32(), False),
    "channels": (pa.int32(), False),
    "channel": (pa.int32(), True),
    "codec": (pa.string(), False),
    "decoder": (pa.string(), True),
    "title": (pa.string(), True),
    "artist": (pa.string(), True),
    "album": (pa.string(), True),
    "genre": (pa.string(), True),
    "valence": (pa.float32(), False),
    "arousal": (pa.float32(), False),
    "emotions": (pa.list_(NUMBER, 8), False),
    "felt": (pa.list_(NUMBER, 8), True),
    "analyzed_at": (pa.timestamp("us", tz="UTC"), False),
    "windows": (pa.int32(), False),
    "content_hash": (pa.string(), True),
    "silent": (pa.bool_(), False),
    "damaged_packets": (pa.int64(), False),
    "missing_s": (pa.float64(), False),
    "excerpt_start_s": (pa.float64(), True),
    "excerpt_length_s": (pa.float64(), True),
    "timeline": (
        pa.list_(
            pa.field(
                "item",
                pa.struct(
                    [
                        pa.field("start_s", pa.float64(), nullable=False),
                        pa.field("valence", pa.float32(), nullable=False),
                        pa.field("arousal", pa.float32(), nullable=False),
                        pa.field("emotions", pa.list_(NUMBER, 8), nullable=False),
                        pa.field("felt", pa.list_(NUMBER, 8), nullable=True),
                    ]
                ),
                nullable=False,
            )
        ),
        True,
    ),
}


def check_pyarrow(library):
    file = pq.ParquetFile(library)
    schema = file.schema_arrow
    for name, (type_, nullable) in COLUMNS.items():
        field = schema.field(name)
        assert field.type == type_, f"{name}: expected {type_}, found {field.type}"
        assert field.nullable == nullable, f"{name}: nullable is {field.nullable}"
    embedding = schema.field("embedding").type
    assert pa.types.is_fixed_size_list(embedding) and embedding.value_type == pa.float32()
    footer = json.loads(file.metadata.metadata[b"circumplex"])
    assert footer["format_version"] == 2
    assert file.schema_arrow.metadata[b"circumplex"] == file.metadata.metadata[b"circumplex"]
    assert footer["labels"] == EMOTIONS
    assert len(footer["model"]["identity"]) == 64 and footer["model"]["name"]
    assert footer["preprocessing"]["mel"]["sample_rate"] > 0
    for group in range(file.metadata.num_row_groups):
        for column in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(column)
            plain = chunk.path_in_schema in ("emotions.list.item", "felt.list.item")
            assert chunk.compression == ("UNCOMPRESSED" if plain else "ZSTD"), chunk
    table = file.read()
    paths = table["path"].to_pylist()
    assert paths == sorted(paths), "rows are not sorted by path"
    for vector in table["emotions"].to_pylist():
        assert len(vector) == 8 and min(vector) >= 0 and abs(sum(vector) - 100) < 0.1, vector
    return table


def check_timelines(library, table):
    """A timeline has one entry a window, and its weighted mean is the song's answer; all three readers agree on it."""
    rows = table.select(["path", "windows", "valence", "duration_s", "timeline"]).to_pylist()
    if all(row["timeline"] is None for row in rows):
        return 0
    footer = json.loads(pq.ParquetFile(library).metadata.metadata[b"circumplex"])
    assert footer["timeline"] is True
    length = footer["preprocessing"]["window"]["length"] / footer["preprocessing"]["mel"]["sample_rate"]
    for row in rows:
        moments = row["timeline"]
        assert len(moments) == row["windows"], row
        starts = [moment["start_s"] for moment in moments]
        assert starts[0] == 0 and starts == sorted(starts), starts
        for moment in moments:
            assert 1 <= moment["valence"] <= 9 and 1 <= moment["arousal"] <= 9
            for vector in (moment["emotions"], moment["felt"] or [12.5] * 8):
                assert len(vector) == 8 and abs(sum(vector) - 100) < 0.1
        ends = [0.0] + [start + length for start in starts]
        weights = [(end - before) / length for before, end in zip(ends, ends[1:])]
        mean = sum(w * m["valence"] for w, m in zip(weights, moments)) / sum(weights)
        assert abs(mean - row["valence"]) < 1e-3, (mean, row)
    flat = [
        (row["path"], m["start_s"], m["valence"], m["arousal"], tuple(m["emotions"])) for row in rows for m in row["timeline"]
    ]
    found = duckdb.connect().execute(
        """SELECT path, m.start_s, m.valence, m.arousal, m.emotions
           FROM (SELECT path, unnest(timeline) AS m FROM read_parquet(?)) ORDER BY path, m.start_s""",
        [library],
    )
    assert [(*row[:4], tuple(row[4])) for row in found.fetchall()] == flat
    if polars is not None:
        frame = polars.read_parquet(library).select("path", "timeline").explode("timeline").unnest("timeline")
        assert [(*row[:4], tuple(row[4])) for row in frame.rows()] == flat
    return len(flat)


def check_duckdb(program, library, questions):
    db = duckdb.connect()
    types = dict(row[:2] for row in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [library]).fetchall())
    assert types["path"] == "VARCHAR" and types["size_bytes"] == "BIGINT", types
    assert types["modified"] == "TIMESTAMP WITH TIME ZONE", types
    assert types["emotions"] in ("FLOAT[]", "FLOAT[8]"), types
    rng = random.Random(1)
    k = 7
    worst = 0.0
    for _ in range(questions):
        vector = [round(rng.random() ** 3, 4) for _ in range(8)]
        expected = db.execute(
            """SELECT path, array_cosine_similarity(emotions::FLOAT[8], ?::FLOAT[8]) AS similarity
               FROM read_parquet(?, file_row_number = true) ORDER BY similarity DESC, file_row_number LIMIT ?""",
            [vector, library, k],
        ).fetchall()
        said = subprocess.run(
            [program, "query", "--library", library, "--vector", ",".join(map(str, vector)), "-k", str(k), "--json"],
            capture_output=True,
            check=True,
        )
        found = json.loads(said.stdout)
        assert len(found) == len(expected)
        for rank, (song, (path, similarity)) in enumerate(zip(found, expected), start=1):
            assert list(song) == [
                "rank", "path", "track", "similarity", "valence", "arousal", "emotions", *(["felt"] if "felt" in song else []),
                "title", "artist", "album", "genre", "duration_s",
            ], list(song)
            assert song["rank"] == rank and list(song["emotions"]) == EMOTIONS
            difference = abs(song["similarity"] - similarity)
            worst = max(worst, difference)
            # DuckDB computes in single precision.
            assert difference < 1e-6, (song, similarity)
            near = [s for p, s in expected if abs(s - similarity) < 2e-6]
            assert song["path"] == path or len(near) > 1 or rank == k, (song["path"], path)
    return worst


def main():
    program, library = sys.argv[1:3]
    questions = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    table = check_pyarrow(library)
    moments = check_timelines(library, table)
    worst = check_duckdb(program, library, questions)
    print(f"{table.num_rows} songs, {moments} moments; {questions} questions answered alike, similarities within {worst:.1e}")


main()
