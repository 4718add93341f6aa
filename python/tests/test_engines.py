"""The examples for engines write the library that the program writes."""

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import circumplex
import daft
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import run_program
from distributed import Client, LocalCluster
from distributed.diagnostics.plugin import WorkerPlugin
from moto.server import ThreadedMotoServer

# They differ: when a song was analyzed, and what an object in a store has no way to tell.
OTHERS = ["analyzed_at", "path", "modified"]


def example(name: str) -> ModuleType:
    """An example as a module."""
    path = Path(__file__).parents[1] / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Workers in other processes import it too.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store(music: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3-compatible server on the loopback address that holds the music, as Daft's default."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client: Any = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
    client.create_bucket(Bucket="music")
    for path in music.iterdir():
        if path.suffix != ".parquet":
            client.upload_file(str(path), "music", f"albums/{path.name}")
    s3 = daft.io.S3Config(
        endpoint_url=address, region_name="us-east-1", key_id="test", access_key="test"
    )
    daft.set_planning_config(default_io_config=daft.io.IOConfig(s3=s3))
    yield "s3://music/albums"
    server.stop()


def comparable(table: pa.Table) -> list[dict[str, Any]]:
    """The rows without what differs, in the order of their contents."""
    rows: list[dict[str, Any]] = table.drop_columns(OTHERS).to_pylist()
    return sorted(rows, key=lambda row: str(row["content_hash"]))


def test_daft_reads_an_object_store_and_writes_the_library_of_the_program(
    store: str, library: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "s3-copy"
    example("daft_library").main(f"{store}/*", str(copy))
    # Not pyarrow, whose reader takes no null for a list of a fixed length.
    table = pl.read_parquet(copy / "*.parquet").to_arrow()
    songs = table.filter(pc.is_null(table["error"]))
    names = pq.read_schema(library).names
    assert comparable(songs.select(names)) == comparable(pq.read_table(library))
    assert songs.sort_by("path")["path"].to_pylist() == [f"{store}/{n}.wav" for n in range(6)]
    [failed] = table.filter(pc.is_valid(table["error"])).to_pylist()
    assert failed["path"] == f"{store}/broken.mp3"
    assert failed["error"] == circumplex.Library(library).failures[0][1]

    answers = [tmp_path / "copy.parquet", tmp_path / "songs.parquet"]
    for asked, answer in zip([copy, library], answers):
        run_program("query", asked, "--by", "felt", "--emotions", "happy=60,excited=40", "-k", "6", "-o", answer)
    found, expected = (pq.read_table(answer, columns=["path", "similarity"]) for answer in answers)
    assert found["similarity"].to_pylist() == expected["similarity"].to_pylist()
    names = [Path(path).name for path in expected["path"].to_pylist()]
    assert [Path(path).name for path in found["path"].to_pylist()] == names
    query = """
        SELECT path, array_cosine_similarity(felt::FLOAT[8], [60, 40, 0, 0, 0, 0, 0, 0]::FLOAT[8]) AS similarity
        FROM read_parquet(?) WHERE error IS NULL ORDER BY similarity DESC"""
    nearest = duckdb.execute(query, [f"{copy}/*.parquet"]).fetchall()
    assert [Path(path).name for path, _ in nearest] == names
    similarities = [similarity for _, similarity in nearest]
    assert similarities == pytest.approx(found["similarity"].to_pylist(), abs=1e-6)


def test_dask_analyzes_every_song_once_although_a_worker_is_killed(
    songs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, parts, killed = tmp_path / "files", tmp_path / "parts", tmp_path / "killed"
    files.mkdir()
    (files / "broken.mp3").write_bytes(b"not a song" * 50)
    for number in range(39):
        (files / f"{number:02}.wav").hardlink_to(songs[number % len(songs)])
    program = tmp_path / "program.parquet"
    run_program("analyze", files, "-o", program)

    class Killer(WorkerPlugin):  # type: ignore[misc]
        """Kills the first worker that begins a task when four parts are written, as a machine fails: only once."""

        def transition(self, key: object, start: str, finish: str, **_: object) -> None:
            written = len(list(parts.glob("*.parquet")))
            if finish == "executing" and written >= 4:
                with suppress(FileExistsError), killed.open("x") as file:
                    print(written, file=file, flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    dask_library = example("dask_library")
    monkeypatch.setattr(dask_library, "CHUNK", 1)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.register_plugin(Killer())
        dask_library.main(str(files), str(parts), cluster.scheduler_address)
    assert 4 <= int(killed.read_text()) < 40

    table = pl.read_parquet(parts / "*.parquet").to_arrow().sort_by("path")
    assert table["path"].to_pylist() == [str(path) for path in sorted(files.iterdir())]
    good = table.filter(pc.is_null(table["error"])).drop_columns(["error", "analyzed_at"])
    expected = pq.read_table(program).drop_columns(["analyzed_at"]).sort_by("path")
    assert good.to_pylist() == expected.to_pylist()
    ours, theirs = circumplex.Library(parts), circumplex.Library(program)
    assert ours.failures == theirs.failures and len(ours.failures) == 1
    assert ours.model_identity == theirs.model_identity == circumplex.Model().identity
