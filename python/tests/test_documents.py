"""The examples of docs/library-format.md, section "In other programs", answer as the program does, as they are printed there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT, run_program

SHOW = "\nimport json\nprint(json.dumps(list(zip(nearest['path'], nearest['similarity']))))\n"


def examples() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "library-format.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^## In other programs\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    found: list[tuple[str, str]] = re.findall(r"^```(sql|python)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return found


def test_there_is_an_example_for_each_program() -> None:
    text = "".join(code for _, code in examples())
    assert len(examples()) == 5
    assert all(name in text for name in ["FLOAT[8]", "polars", "pandas", "lancedb", "datasets"])


@pytest.mark.parametrize(("language", "code"), examples())
def test_the_examples_for_other_programs_answer_as_the_program(
    language: str, code: str, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(library, tmp_path / "library.parquet")
    monkeypatch.chdir(tmp_path)
    if language == "sql":
        found = duckdb.sql(code).fetchall()
    else:
        environment = {**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-c", code + SHOW]
        found = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    asked = ["--by", "emotions", "--emotions", "happy=60,excited=40", "-k", "5", "--json"]
    expected = json.loads(run_program("query", "library.parquet", *asked))
    assert [path for path, _ in found] == [song["path"] for song in expected]
    similarities = [song["similarity"] for song in expected]
    assert [similarity for _, similarity in found] == pytest.approx(similarities, abs=1e-5)
