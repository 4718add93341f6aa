"""Music that the tests make themselves, and the program to compare with.

`CIRCUMPLEX` names the program; by default it is the release build of this repository.
"""

import math
import os
import struct
import subprocess
import wave
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = os.environ.get("CIRCUMPLEX", str(TARGET / "release" / "circumplex"))


def write_song(path: Path, pitch: float, seconds: float = 3.0, rate: int = 22_050) -> Path:
    """A tone with overtones that swells twice a second, as 16-bit WAV."""
    samples = []
    for n in range(int(seconds * rate)):
        t = n / rate
        swell = 0.5 + 0.4 * math.sin(math.tau * 2 * t)
        tone = sum(math.sin(math.tau * pitch * k * t) / k for k in (1, 2, 3))
        samples.append(int(9_000 * swell * tone / 1.9))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


def run_program(*arguments: object) -> str:
    """The standard output of a command, which may say that some files failed."""
    command = [PROGRAM, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ran.returncode in (0, 3), f"{command}: {ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of six songs, and a file that is none."""
    folder = tmp_path_factory.mktemp("music")
    for number, pitch in enumerate((82.4, 110.0, 220.0, 330.0, 440.0, 660.0)):
        write_song(folder / f"{number}.wav", pitch)
    (folder / "broken.mp3").write_bytes(b"not a song" * 50)
    return folder


@pytest.fixture(scope="session")
def songs(music: Path) -> list[Path]:
    """The six songs."""
    return sorted(music.glob("*.wav"))


@pytest.fixture(scope="session")
def library(music: Path) -> Path:
    """The library that the program makes of them."""
    target = music / "library.parquet"
    run_program("analyze", music, "-o", target)
    return target
