"""The package says what the program says, and hands its rows to every Arrow library."""

import json
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import circumplex
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import run_program, write_song

# The time of the analysis differs from run to run.
TIME = "analyzed_at"


def rows(table: Any) -> list[dict[str, Any]]:
    """The rows without their times, sorted by path."""
    found: list[dict[str, Any]] = pa.table(table).drop_columns([TIME]).to_pylist()
    return sorted(found, key=lambda row: str(row["path"]))


def songs_of(library: Path) -> list[dict[str, Any]]:
    """The rows of a library file with a column `error`."""
    return [{**row, "error": None} for row in rows(pq.read_table(library))]


def test_analyze_equals_the_program_row_for_row(songs: list[Path], library: Path) -> None:
    table = circumplex.analyze(songs)
    assert table.column_names == [*pq.read_schema(library).names, "error"]
    assert rows(table) == songs_of(library)
    assert rows(circumplex.analyze_batch(songs)) == songs_of(library)
    one = circumplex.analyze(str(songs[2]), threads=1)
    assert rows(one) == songs_of(library)[2:3]


def test_content_equals_files_but_for_what_only_files_have(songs: list[Path], library: Path) -> None:
    of_file = {"path": None, "modified": None}
    expected = [{**row, **of_file} for row in songs_of(library)]
    table = circumplex.analyze([song.read_bytes() for song in songs])
    assert pa.table(table).drop_columns([TIME]).to_pylist() == expected


def test_failures_are_rows_in_their_place_with_the_reasons_of_the_program(
    music: Path, songs: list[Path], library: Path
) -> None:
    paths = [songs[0], music / "broken.mp3", music / "gone.wav", music, songs[1]]
    found = pa.table(circumplex.analyze(paths)).to_pylist()
    assert [row["path"] for row in found] == [str(path) for path in paths]
    assert [row["error"] is None for row in found] == [True, False, False, False, True]
    assert all(row["emotions"] is None for row in found[1:4])
    [(path, reason)] = circumplex.Library(library).failures
    assert (path, reason) == (paths[1], found[1]["error"])
    assert found[2]["error"].startswith("cannot read: ")
    assert found[3]["error"] == "expected a file, found a directory, device or pipe"
    failed = circumplex.analyze([paths[1]]).to_pyarrow()
    assert failed.schema.types == pa.table(circumplex.analyze(songs)).schema.types


def test_batches_of_every_arrow_library_are_analyzed(songs: list[Path], library: Path) -> None:
    expected = songs_of(library)
    paths = [str(song) for song in songs]
    batch = pa.record_batch({"path": paths})
    table = pa.table({"path": pa.array(paths, pa.large_string()), "more": list(range(6))})
    for given in [
        batch,
        table,
        pl.DataFrame({"path": paths}),
        pd.DataFrame({"path": paths}),
        duckdb.from_arrow(table).order("more"),
        circumplex.analyze(songs[:0]).to_pyarrow().select(["path"]),
    ]:
        found = rows(circumplex.analyze_batch(given))
        assert found == (expected if len(given) else []), type(given)
    content = [song.read_bytes() for song in songs]
    both = pl.DataFrame({"path": [f"s3://music/{n}" for n in range(6)], "content": content})
    found = rows(circumplex.analyze(both))
    assert [row["path"] for row in found] == both["path"].to_list()
    assert [row["content_hash"] for row in found] == [row["content_hash"] for row in expected]
    absent = pa.table({"path": ["s3://music/1", None], "content": pa.array([None, None], pa.binary())})
    reasons = pa.table(circumplex.analyze(absent))["error"].to_pylist()
    assert reasons == ["no content; was it downloaded?", "neither path nor content"]


def test_rows_round_trip_through_every_arrow_library(songs: list[Path]) -> None:
    table = circumplex.analyze([*songs, "gone.wav"])
    expected = pa.table(table)
    assert len(table) == table.num_rows == 7
    assert pa.record_batch(table).to_pydict() == expected.to_pydict()
    assert pl.DataFrame(table).to_dicts() == expected.to_pylist()
    assert duckdb.from_arrow(table).to_arrow_table().to_pylist() == expected.to_pylist()
    frame = pd.DataFrame.from_arrow(table)
    assert frame["valence"].dropna().tolist() == expected["valence"].to_pylist()[:6]


def test_a_folder_becomes_the_library_of_the_program(
    music: Path, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "songs.parquet"
    counts: list[tuple[int, int, int]] = []
    table = circumplex.analyze_folder(music, target, progress=lambda *now: counts.append(now))
    assert counts[-1] == (7, 1, 7)
    found = rows(table)
    assert found[:6] == songs_of(library) == songs_of(target)
    assert (found[6]["path"], found[6]["valence"]) == (str(music / "broken.mp3"), None)
    assert found[6]["error"] == circumplex.Library(library).failures[0][1]
    before = target.stat().st_mtime_ns
    again = circumplex.analyze_folder([str(music)], str(target), progress=True)
    assert rows(again) == found
    assert target.stat().st_mtime_ns == before, "nothing changed, so nothing is written"
    assert capsys.readouterr().err.endswith("0/0 files, 0 failed\n")


def test_rows_with_errors_written_by_others_are_a_library(
    music: Path, songs: list[Path], library: Path, tmp_path: Path
) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    first = pa.table(circumplex.analyze([music / "broken.mp3", *songs[:3]]))
    second = pa.table(circumplex.analyze([songs[3], songs[4], "gone.wav", songs[5]]))
    pq.write_table(first, shards / "0.parquet")
    pq.write_table(second, shards / "1.parquet", row_group_size=2)
    opened = circumplex.Library(shards)
    assert len(opened) == 6
    failed = {music / "broken.mp3", Path("gone.wav").absolute()}
    assert {path for path, _ in opened.failures} == failed
    assert len(opened.failures) == 2
    asked: dict[str, Any] = {"emotions": {"calm": 3, "tired": 1}, "k": 6, "relative": True}
    expected = circumplex.Library(library).query(**asked)
    assert rows(opened.query(**asked)) == rows(expected)
    assert pa.table(opened).num_rows == 6
    run_program("query", shards, "--emotions", "calm=1", "-k", "6")
    foreign = tmp_path / "foreign.parquet"
    columns = first.select(["path", "emotions", "error"]).replace_schema_metadata(None)
    pl.DataFrame(columns).write_parquet(foreign)
    assert (len(circumplex.Library(foreign)), len(circumplex.Library(foreign).failures)) == (3, 1)


def test_questions_are_answered_as_by_the_program(
    songs: list[Path], library: Path, tmp_path: Path
) -> None:
    opened = circumplex.Library(library)
    assert (len(opened), opened.model_identity) == (6, circumplex.Model().identity)
    outside = write_song(tmp_path / "outside.wav", 500.0)
    questions: list[tuple[dict[str, Any], list[object]]] = [
        ({"emotions": {"happy": 60, "excited": 40}}, ["--emotions", "happy=60,excited=40"]),
        ({"vector": [1, 2, 3, 4, 5, 6, 7, 8]}, ["--vector", "1,2,3,4,5,6,7,8"]),
        ({"point": (7, 3)}, ["--valence", "7", "--arousal", "3"]),
        ({"point": (3, 6, 1)}, ["--valence", "3", "--arousal", "6", "--spread", "1"]),
        ({"face": {"happy": 9, "neutral": 4}}, ["--face", "happy=9,neutral=4"]),
        ({"like": "2.wav", "unlike": ["3.wav"]}, ["--like", "2.wav", "--unlike", "3.wav"]),
        ({"like": [outside]}, ["--like", outside]),
        ({"emotions": {"tired": 1}, "relative": True, "by": "emotions", "metric": "euclidean"},
         ["--emotions", "tired=1", "--relative", "--by", "emotions", "--metric", "euclidean"]),
        ({"emotions": {"calm": 1}, "where": "duration > 2 AND path NOT LIKE '%/0.wav'"},
         ["--emotions", "calm=1", "--where", "duration > 2 AND path NOT LIKE '%/0.wav'"]),
    ]
    for given, asked in questions:
        answer = tmp_path / "answer.parquet"
        run_program("query", library, *asked, "-k", "all", "-o", answer)
        expected = pq.read_table(answer, columns=["path", "similarity"]).to_pylist()
        found = pa.table(opened.query(k=6, **given)).select(["path", "similarity"]).to_pylist()
        assert found == expected, asked
        answer.unlink()
    excluded = pa.table(opened.query(point=(5, 5), exclude=songs[:4]))
    assert sorted(excluded["path"].to_pylist()) == [str(song) for song in songs[4:]]


def test_classes_are_those_of_the_program(songs: list[Path], library: Path, tmp_path: Path) -> None:
    opened = circumplex.Library(library)
    labels: dict[str, str | None] = {"0.wav": "low", "1.wav": "low", "4.wav": "high", "5.wav": "high", "2.wav": None}
    file = tmp_path / "labels.csv"
    lines = [f"{name},{label or ''}\n" for name, label in labels.items()]
    file.write_text("".join(["path,pitch\n", *lines]))
    target = tmp_path / "classes.parquet"
    options = ["--column", "pitch", "--folds", "3", "--penalty", "5", "--seed", "2", "--json"]
    expected = json.loads(run_program("classify", library, "--labels", file, *options, "-o", target))
    exported = pq.read_table(target)
    cases: list[tuple[Any, str | None]] = [(labels, None), (file, "pitch")]
    for given, column in cases:
        report, table = opened.classify(given, column=column, folds=3, penalty=5, seed=2)
        assert report == expected
        assert report["songs"] == 4 and report["baseline"]["accuracy"] <= 0.5
        assert [one["class"] for one in report["classes"]] == ["high", "low"]
        names = ["path", "label", "class", "probability_high", "probability_low"]
        assert table.to_pyarrow().select(names).to_pylist() == exported.select(names).to_pylist()
    assert opened.classify({**labels, "gone.wav": "low"})[0]["skipped"][0].startswith("label 6: no song of ")


def test_labels_that_teach_nothing_are_errors(library: Path) -> None:
    classify: Any = circumplex.Library(library).classify
    for labels, message in [
        ({"0.wav": "low", "1.wav": "low"}, 'at least two classes .* found only "low"'),
        ({"0.wav": "low", "5.wav": "high"}, 'class "high": expected songs of at least two artists, found one song'),
        ({"gone.wav": "low", "away.wav": "high"}, 'none of the 2 labeled songs is in .*: label 1: no song .*"gone.wav"'),
        ({"0.wav": "low", "0": "high"}, 'label 2: "0" is labeled "high", but "low" in label 1'),
        ({"0.wav": "low", "1.wav": "Low"}, "differ in upper and lower case only"),
        ({}, "found none in 0 rows"),
        ("gone.csv", "^gone.csv: cannot be read"),
    ]:
        with pytest.raises(circumplex.Error, match=message):
            classify(labels)
    with pytest.raises(TypeError, match="expected the class of \"0.wav\" as text, found <class 'bool'>"):
        classify({"0.wav": True})
    with pytest.raises(TypeError, match="leave it out"):
        classify({"0.wav": "low"}, column="pitch")


def test_errors_are_those_of_the_program(library: Path, tmp_path: Path) -> None:
    opened = circumplex.Library(library)
    with pytest.raises(circumplex.Error, match='did you mean "excited"') as caught:
        opened.query(emotions={"exited": 1})
    assert (caught.value.kind, caught.value.path) == ("invalid-input", None)
    with pytest.raises(circumplex.Error, match="expected cosine or .* or embedding, found \"cos\""):
        opened.query(point=(5, 5), metric="cos")
    with pytest.raises(circumplex.Error, match="valence must lie between 1 and 9"):
        opened.query(point=(10, 5))
    with pytest.raises(TypeError, match="exactly one of"):
        opened.query()
    gone = tmp_path / "gone.parquet"
    with pytest.raises(circumplex.Error, match=f"^{gone}: cannot open the library: ") as caught:
        circumplex.Library(gone)
    assert (caught.value.kind, caught.value.path) == ("unreadable", gone)
    with pytest.raises(circumplex.Error, match="no music files found"):
        circumplex.analyze_folder(tmp_path, gone)
    with pytest.raises(circumplex.Error, match="cannot open the model|cannot read the model"):
        circumplex.Model(tmp_path / "gone.onnx")
    with pytest.raises(circumplex.Error, match="expected a column `path`"):
        circumplex.analyze(pa.table({"name": ["a.mp3"]}))
    with pytest.raises(circumplex.Error, match="expected text or binary"):
        circumplex.analyze(pa.table({"path": [1]}))
    with pytest.raises(TypeError, match="expected paths, bytes, or an Arrow batch"):
        circumplex.analyze(7)  # type: ignore[arg-type]
    with pytest.raises(circumplex.Error, match="expected a length like 45s"):
        circumplex.analyze([], excerpt="a while")


def test_the_input_of_the_model_is_that_of_the_program(songs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "mel.npy"
    run_program("features", songs[1], "-o", target)
    found = circumplex.mel(songs[1])
    assert found.dtype == np.float32
    assert np.array_equal(found, np.load(target))
    found[0, 0, 0] = 1.0
    with pytest.raises(circumplex.Error, match="gone.wav"):
        circumplex.mel("gone.wav")


def test_a_picture_without_a_face_is_an_error(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        size, check = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
        return size + kind + data + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + bytes(64 + 65 * 63)))
    picture = b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")
    target = tmp_path / "gray.png"
    target.write_bytes(picture)
    with pytest.raises(circumplex.Error, match="gray.png: no face found"):
        circumplex.face(target)
    with pytest.raises(circumplex.Error, match="^no face found"):
        circumplex.face(picture)


def test_a_model_is_pickled_by_its_path(songs: list[Path]) -> None:
    shipped = Path(__file__).parents[2] / "models" / "best-cnn-felt.onnx"
    model = pickle.loads(pickle.dumps(circumplex.Model(shipped)))
    assert (model.name, model.identity) == (circumplex.Model().name, circumplex.Model().identity)
    assert rows(model.analyze(songs)) == rows(circumplex.analyze(songs))
    analyze_batch = pickle.loads(pickle.dumps(circumplex.analyze_batch))
    assert len(analyze_batch(songs)) == 6


def test_other_threads_run_during_a_call(tmp_path: Path) -> None:
    song = write_song(tmp_path / "long.wav", 220.0, 20.0)
    for call in [
        lambda: circumplex.analyze_batch([song] * 40),
        lambda: circumplex.analyze([song] * 40, threads=1),
    ]:
        worker = threading.Thread(target=call)
        start, turns = time.monotonic(), 0
        worker.start()
        while worker.is_alive():
            time.sleep(0.001)
            turns += 1
        assert turns > 20, f"{turns} turns in {time.monotonic() - start:.2f} s"


@pytest.mark.parametrize(
    "call",
    [
        "analyze([song] * 100_000)",
        "analyze_batch([song] * 100_000)",
        "analyze_folder(folder, library, threads=1)",
    ],
)
def test_ctrl_c_ends_a_long_call(call: str, tmp_path: Path) -> None:
    folder, library = tmp_path / "music", tmp_path / "library.parquet"
    folder.mkdir()
    song = write_song(folder / "long.wav", 220.0, 20.0)
    for number in range(400 if "folder" in call else 0):
        (folder / f"{number}.wav").hardlink_to(song)
    code = f"""
import circumplex
folder, library, song = {str(folder)!r}, {str(library)!r}, {str(song)!r}
print("started", flush=True)
try:
    circumplex.{call}
except KeyboardInterrupt:
    print("interrupted")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert (output, process.returncode) == ("interrupted\n", 0)
    if "folder" in call:
        done = len(circumplex.Library(library))
        assert 0 < done < 401, "the library holds what was done"
        table = circumplex.analyze_folder(folder, library)
        assert len(table) == len(circumplex.Library(library)) == 401
