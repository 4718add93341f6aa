"""The beets plugin, with beets itself and its SQLite library."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import circumplex
from conftest import write_song

pytest.importorskip("beets", reason="beets is not installed")

FIELDS = {"valence", "arousal", "mood", "valence_01", "energy_01", *circumplex.EMOTIONS}


class Beets:
    """A beets library of three tones, in a directory of its own."""

    def __init__(self, directory: Path, options: str = "", plugins: str = "circumplex") -> None:
        self.directory = directory
        self.music = directory / "music"
        self.music.mkdir()
        for name, hertz in (("low", 110.0), ("middle", 440.0), ("é high", 1760.0)):
            write_song(self.music / f"{name}.wav", hertz)
        # Without tags, the songs look like duplicates.
        settings = f"plugins: {plugins}\nlibrary: library.db\nimport:\n    duplicate_action: keep\n{options}"
        (directory / "config.yaml").write_text(settings, encoding="utf-8")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "BEETSDIR": str(self.directory), "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "beets", *words]
        ran = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
        assert ran.returncode == 0, ran.stderr
        return ran

    def load(self) -> "subprocess.CompletedProcess[str]":
        return self.run("import", "--noautotag", "--nocopy", "--quiet", "--singletons", str(self.music))

    def fields(self) -> dict[str, dict[str, str]]:
        """The flexible fields of each item, by the name of its file, as SQLite has them."""
        query = "select items.id, key, value from items left join item_attributes on entity_id = items.id"
        names = dict(line.split(" ", 1) for line in self.run("ls", "-f", "$id $path").stdout.splitlines())
        found: dict[str, dict[str, str]] = {Path(path).stem: {} for path in names.values()}
        database = sqlite3.connect(self.directory / "library.db")
        for number, key, value in database.execute(query):
            if key in FIELDS:
                found[Path(names[str(number)]).stem][key] = value
        database.close()
        return found

    def listed(self, *query: str) -> set[str]:
        return {Path(line).stem for line in self.run("ls", "-f", "$path", *query).stdout.splitlines()}


def test_imported_items_get_the_fields_and_queries_find_them(tmp_path: Path) -> None:
    beets = Beets(tmp_path)
    beets.load()
    fields = beets.fields()
    assert set(fields) == {"low", "middle", "é high"}
    for name, of_item in fields.items():
        song = circumplex.analyze(beets.music / f"{name}.wav").to_pyarrow().to_pylist()[0]
        assert set(of_item) == FIELDS
        for emotion, percentage in zip(circumplex.EMOTIONS, song["emotions"]):
            assert float(of_item[emotion]) == pytest.approx(percentage, abs=1e-3)
        assert float(of_item["valence"]) == pytest.approx(song["valence"], abs=1e-4)
        assert float(of_item["energy_01"]) == pytest.approx((song["arousal"] - 1) / 8, abs=1e-4)
        assert float(of_item[of_item["mood"]]) == max(float(of_item[emotion]) for emotion in circumplex.EMOTIONS)
    lowest = min(fields, key=lambda name: float(fields[name]["valence"]))
    valence = float(fields[lowest]["valence"])
    assert beets.listed(f"valence:1..{valence + 1e-6}") == {lowest}
    assert beets.listed(f"valence:1..{valence + 1e-6}", f"mood:{fields[lowest]['mood']}") == {lowest}
    assert beets.listed("valence:1..9", "energy_01:0..1") == set(fields)
    assert beets.listed("happy:101..") == set()
    formatted = beets.run("ls", "-f", "$valence $mood $energy_01", "path::low").stdout.split()
    of_low = fields["low"]
    energy = float(of_low["energy_01"])
    assert formatted == [f"{float(of_low['valence']):.2f}", of_low["mood"], f"{energy:.3f}"]


def test_the_command_analyzes_new_items_and_pretends_on_request(tmp_path: Path) -> None:
    beets = Beets(tmp_path, "circumplex:\n    auto: no\n")
    beets.load()
    assert all(not of_item for of_item in beets.fields().values())
    assert len(beets.run("circumplex", "--pretend").stdout.splitlines()) == 3
    assert all(not of_item for of_item in beets.fields().values())
    assert "1 items analyzed, 0 failed" in beets.run("circumplex", "path::middle").stderr
    assert {name for name, of_item in beets.fields().items() if of_item} == {"middle"}
    assert beets.listed("valence:..9") == {"middle"}, "items that are not analyzed have no valence"
    assert "2 items analyzed, 0 failed" in beets.run("circumplex").stderr
    assert beets.run("circumplex").stderr == "", "the second run analyzes nothing"
    write_song(beets.music / "low.wav", 880.0)
    before = beets.fields()
    assert "3 items analyzed, 0 failed" in beets.run("circumplex", "--force").stderr
    after = beets.fields()
    assert before.pop("low") != after.pop("low")
    assert before == after


def test_smart_playlists_follow_the_fields_beside_the_plugins_of_beets(tmp_path: Path) -> None:
    playlists = tmp_path / "playlists"
    lists = "[{name: all.m3u, query: 'valence:1..9'}, {name: none.m3u, query: 'arousal:9.1..'}]"
    options = f"smartplaylist:\n    playlist_dir: {playlists}\n    playlists: {lists}\n"
    beets = Beets(tmp_path, options, "circumplex smartplaylist")
    beets.load()
    beets.run("splupdate")
    assert len((playlists / "all.m3u").read_text(encoding="utf-8").splitlines()) == 3
    none = playlists / "none.m3u"
    assert not none.exists() or none.read_text(encoding="utf-8") == ""


def test_files_that_fail_are_logged_and_stop_nothing(tmp_path: Path) -> None:
    beets = Beets(tmp_path, "circumplex:\n    auto: no\n")
    write_song(beets.music / "silent.wav", 0.0)
    beets.load()
    (beets.music / "low.wav").write_text("no music")
    (beets.music / "é high.wav").unlink()
    errors = beets.run("circumplex").stderr.splitlines()
    assert sum("silent.wav: silent" in line for line in errors) == 1
    for name in ["low.wav: ", "high.wav: cannot read: "]:
        assert sum(name in line for line in errors) == 1, errors
    assert "1 items analyzed, 3 failed" in errors[-1]
    assert {name for name, of_item in beets.fields().items() if of_item} == {"middle"}


def test_a_damaged_file_does_not_stop_an_import(tmp_path: Path) -> None:
    beets = Beets(tmp_path)
    whole = (beets.music / "low.wav").read_bytes()
    # The header is right, so that beets imports it; there is almost no audio.
    (beets.music / "low.wav").write_bytes(whole[:60])
    errors = beets.load().stderr
    assert errors.count("low.wav: ") == 1, errors
    assert {name for name, of_item in beets.fields().items() if of_item} == {"middle", "é high"}
