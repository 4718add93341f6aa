"""Runs the examples of docs/library-format.md, section "In other programs", as printed there, and compares their answers with those of
`circumplex query`.

    python tests/reference/readme_examples.py PROGRAM LIBRARY

Needs duckdb, polars, pandas, pyarrow and lancedb (tried with DuckDB 2.0, Polars 2.1, pandas 3.1, LanceDB 0.25 or newer); an example whose
program is missing is skipped with a message.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/library-format.md"
SECTION = "In other programs"


def examples():
    text = DOCUMENT.read_text(encoding="utf-8")
    section = re.search(rf"^## {SECTION}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1)
    return re.findall(r"^```(sql|python)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def answer(language, code):
    if language == "sql":
        import duckdb

        return duckdb.sql(code).fetchall()
    names = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)
    nearest = names["nearest"]
    rows = nearest.to_dicts() if hasattr(nearest, "to_dicts") else nearest.to_dict("records")
    return [(row["path"], row["similarity"]) for row in rows]


def main():
    program, library = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    found = examples()
    assert len(found) == 4, f"expected four examples, found {len(found)}"
    run = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(library, pathlib.Path(folder, "library.parquet"))
        os.chdir(folder)
        command = [program, "query", "--library", "library.parquet", "--emotions", "happy=60,excited=40", "-k", "5", "--json"]
        asked = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        expected = [(song["path"], song["similarity"]) for song in asked]
        for language, code in found:
            try:
                songs = answer(language, code)
            except ImportError as missing:
                print(f"left out: {missing}")
                continue
            assert [path for path, _ in songs] == [path for path, _ in expected], (code, songs, expected)
            for (path, similarity), (_, want) in zip(songs, expected, strict=True):
                assert abs(similarity - want) < 1e-5, (code, path, similarity, want)
            run += 1
    print(f"{run} of {len(found)} examples answer as circumplex does")


main()
