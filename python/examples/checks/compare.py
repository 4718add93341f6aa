"""Compares the library that an engine wrote with that of `circumplex analyze`."""

import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

# They differ: when a song was analyzed, and how an engine writes a path. Spark's example leaves timelines out.
OTHERS = ["path", "path_bytes", "modified", "analyzed_at", "timeline"]


def compare(library: Path, program: Path) -> None:
    """Print whether every file is there once, with the same values, and exit with 1 if not."""
    columns = [name for name in pq.read_schema(program).names if name not in OTHERS]
    query = f"SELECT parse_filename(path), {', '.join(columns)} FROM read_parquet(?) ORDER BY 1"
    found = duckdb.execute(query, [f"{library}/*.parquet"]).fetchall()
    expected = duckdb.execute(query, [str(program)]).fetchall()
    once = [row[0] for row in found] == [row[0] for row in expected]
    print(f"{len(expected)} files, {len(found)} rows in {len(list(library.glob('*.parquet')))} parts")
    print(f"every file once: {once}; {len(columns)} columns equal: {found == expected}")
    sys.exit(found != expected)
