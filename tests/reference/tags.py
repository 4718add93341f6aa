"""Writes mood tags into files of every kind with `circumplex export --write-tags`, removes them again, and looks on with programs
that are not circumplex: ffmpeg hashes the decoded sound, mutagen reads all tags and pictures.

    python tests/reference/tags.py PROGRAM [FOLDER]

FOLDER: music to copy and try, instead of the fixtures. Needs ffmpeg and mutagen (tried with ffmpeg 5.1 and mutagen 1.47). Exits
with 77 where they are missing.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import mutagen
    from mutagen.flac import FLAC, Picture
    from mutagen.id3 import APIC, COMM, PRIV, TIT2, TMOO, TXXX
    from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
except ImportError as missing:
    print(f"cannot compare: {missing}")
    sys.exit(77)
if not shutil.which("ffmpeg"):
    print("cannot compare: no ffmpeg")
    sys.exit(77)

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "audio"
KINDS = [".mp3", ".m4a", ".mp4", ".flac", ".ogg", ".opus", ".wav", ".aiff"]
PNG = (pathlib.Path(__file__).parents[1] / "fixtures" / "tiny.png").read_bytes()


def sound(path):
    command = ["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "md5", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def decorate(path):
    """What owners put into their files."""
    file = mutagen.File(path)
    if isinstance(file, MP4):
        if file.tags is None:
            file.add_tags()
        file.tags["\xa9nam"] = ["Größe"]
        file.tags["trkn"] = [(3, 12)]
        file.tags["cpil"] = True
        file.tags["----:com.apple.iTunes:MOOD"] = [MP4FreeForm(b"Party"), MP4FreeForm("Fête".encode())]
        file.tags["----:org.example:THING"] = [MP4FreeForm(b"\x01\x02", dataformat=0)]
        file.tags["covr"] = [MP4Cover(PNG, MP4Cover.FORMAT_PNG)]
    elif hasattr(file, "tags") and (file.tags is None or hasattr(file.tags, "getall")):
        if file.tags is None:
            file.add_tags()
        file.tags.add(TIT2(encoding=3, text="Größe"))
        file.tags.add(TMOO(encoding=3, text=["Party", "Fête"]))
        file.tags.add(TXXX(encoding=1, desc="THING", text="Ding"))
        file.tags.add(COMM(encoding=0, lang="deu", desc="", text="a comment"))
        file.tags.add(PRIV(owner="someone", data=bytes(range(256))))
        file.tags.add(APIC(encoding=0, mime="image/png", type=3, desc="front", data=PNG))
    else:
        if file.tags is None:
            file.add_tags()
        file.tags.extend([("Title", "Größe"), ("mood", "Party"), ("MOOD", "Fête"), ("THING", "Ding")])
        picture = Picture()
        picture.data, picture.type, picture.mime, picture.width, picture.height, picture.depth = PNG, 3, "image/png", 1, 1, 24
        if isinstance(file, FLAC):
            file.add_picture(picture)
    file.save()


def everything(path):
    """All tags, as text."""
    file = mutagen.File(path)
    tags = file.tags
    if tags is None:
        found = []
    elif isinstance(file, MP4):
        found = sorted((key, repr(value)) for key, value in tags.items())
    elif hasattr(tags, "getall"):
        found = sorted((frame.HashKey, repr(frame)) for frame in tags.values())
    else:
        found = list(tags)
    pictures = [picture.write() for picture in getattr(file, "pictures", [])]
    return found, pictures


def mood(path):
    file = mutagen.File(path)
    if isinstance(file, MP4):
        return [bytes(value).decode() for value in file.tags["----:com.apple.iTunes:MOOD"]]
    if hasattr(file.tags, "getall"):
        return file.tags["TMOO"].text
    return file.tags["mood"]


def without_ours(state):
    return [item for item in state[0] if "CIRCUMPLEX_" not in item[0] and "MOOD" not in item[0].upper() and item[0] != "TMOO"]


def run(program, *words, codes=(0,)):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode in codes, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    source = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else FIXTURES
    with tempfile.TemporaryDirectory() as folder:
        music, library = pathlib.Path(folder, "music"), pathlib.Path(folder, "library.parquet")
        music.mkdir()
        paths = []
        for file in sorted(source.rglob("*")):
            if file.suffix.lower() not in KINDS or file.name in ("flac.ogg",):
                continue
            path = music / f"{len(paths):04}-{file.name}"
            shutil.copy(file, path)
            try:
                # mutagen breaks fragmented files.
                if source == FIXTURES and "fragmented" not in file.name:
                    decorate(path)
                everything(path)
            except mutagen.MutagenError as error:
                print(f"left out, mutagen cannot read it: {file.name}: {error}")
                path.unlink()
                continue
            os.utime(path, ns=(10**18, 10**18 + 123_456_789))
            paths.append(path)
        run(program, "analyze", music, "-o", library, codes=(0, 3))
        before = {path: (sound(path), everything(path), path.stat()) for path in paths}
        said = run(program, "export", library, "--write-tags", "--yes", codes=(0, 3)).stderr
        tagged = 0
        for path in paths:
            heard, state, facts = before[path]
            assert sound(path) == heard, path
            now = everything(path)
            assert without_ours(now) == without_ours(state) and now[1] == state[1], (path, now, state)
            assert path.stat().st_mtime_ns == facts.st_mtime_ns and path.stat().st_mode == facts.st_mode, path
            if path.name in said:
                assert now == state, path
                continue
            assert len(mood(path)) == 1 and str(mood(path)[0]).islower(), (path, mood(path))
            tagged += 1
        again = run(program, "analyze", music, "-o", library, codes=(0, 3))
        run(program, "export", library, "--remove-tags", "--yes", codes=(0, 3))
        for path in paths:
            heard, state, facts = before[path]
            assert sound(path) == heard, path
            assert everything(path) == state, (path, everything(path), state)
            assert path.stat().st_mtime_ns == facts.st_mtime_ns, path
    refused = [line for line in said.splitlines()[:-1]]
    print("\n".join(refused))
    print(f"{tagged} of {len(paths)} files tagged and freed again; sound, other tags, pictures and times as before")
    print(f"analyzed after tagging: {again.stderr.strip().splitlines()[-1] if again.stderr.strip() else again.stdout.strip()}")


main()
