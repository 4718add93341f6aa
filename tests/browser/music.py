"""Songs for the tests: chords with tags, in formats that browsers play and one that they do not."""

import struct
from array import array
from math import pi, sin
from random import Random

RATE = 22050

# Title, artist, genre; root in hertz, chord, beats a second, loudness of the noise.
SONGS = [
    ("Morning Market", "The Lanterns", "Folk", 262, "major", 2, 0.0),
    ("Copper Kettle", "The Lanterns", "Folk", 294, "major", 3, 0.02),
    ("Harbor Lights", "Ada Quill", "Jazz", 196, "seventh", 1, 0.0),
    ("Slow Ferry", "Ada Quill", "Jazz", 147, "seventh", 1, 0.01),
    ("Ice on the River", "Norden", "Ambient", 110, "minor", 1, 0.0),
    ("Long Shadows", "Norden", "Ambient", 98, "minor", 1, 0.05),
    ("Siren Street", "Voltage Kids", "Rock", 330, "tritone", 8, 0.3),
    ("Broken Meter", "Voltage Kids", "Rock", 370, "tritone", 6, 0.5),
    ("Paper Planes Home", "Mira Sol", "Pop", 440, "major", 4, 0.05),
    ("Étude in Rain", "Mira Sol", "Pop", 220, "minor", 4, 0.1),
]
CHORDS = {
    "major": [1, 1.25, 1.5, 2],
    "minor": [1, 1.2, 1.5, 2],
    "seventh": [1, 1.25, 1.5, 1.8],
    "tritone": [1, 1.06, 1.414, 2.83],
}


def second(root, chord, beats, noise, seed):
    """One second that can be repeated without a click, as 16-bit samples."""
    random = Random(seed)
    tones = [round(root * ratio) for ratio in CHORDS[chord]]
    samples = array("h")
    for i in range(RATE):
        swell = 1 - (i * beats / RATE) % 1 * 0.9
        value = sum(sin(2 * pi * tone * i / RATE) for tone in tones) / len(tones)
        value += noise * (2 * random.random() - 1)
        samples.append(round(12000 * swell * value / (1 + noise)))
    return samples


def wav(path, samples, title=None, artist=None, genre=None):
    """Write mono 16-bit samples as WAV, with tags in a LIST chunk."""
    tags = b"INFO"
    for name, value in [(b"INAM", title), (b"IART", artist), (b"IGNR", genre)]:
        if value:
            text = value.encode() + b"\0"
            tags += name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    data = samples.tobytes()
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    chunks += b"LIST" + struct.pack("<I", len(tags)) + tags
    chunks += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def aiff(path, samples):
    """Write mono 16-bit samples as AIFF."""
    swapped = array("h", samples)
    swapped.byteswap()
    data = struct.pack(">II", 0, 0) + swapped.tobytes()
    # The rate as an 80-bit floating-point number.
    rate = struct.pack(">HQ", 16383 + 14, RATE << 49)
    common = struct.pack(">hIh", 1, len(samples), 16) + rate
    chunks = b"COMM" + struct.pack(">I", len(common)) + common
    chunks += b"SSND" + struct.pack(">I", len(data)) + data
    path.write_bytes(b"FORM" + struct.pack(">I", 4 + len(chunks)) + b"AIFF" + chunks)


def song(path, number, seconds=20):
    """Write one of the songs as WAV."""
    title, artist, genre, *sound = SONGS[number]
    wav(path, second(*sound, seed=number) * seconds, title, artist, genre)


def album(directory, fixtures):
    """Write all songs, an AIFF file, ALAC and FLAC files, and a WAV file with a CUE sheet of two tracks."""
    directory.mkdir(parents=True)
    for number, (title, *_) in enumerate(SONGS):
        song(directory / f"{number:02} {title}.wav", number)
    aiff(directory / "Old Tape.aiff", second(247, "major", 2, 0.02, seed=100) * 12)
    for name in ["alac.m4a", "flac.flac"]:
        (directory / name).write_bytes((fixtures / "audio" / name).read_bytes())
    halves = second(165, "minor", 2, 0, seed=101) * 16 + second(523, "major", 4, 0, seed=102) * 14
    wav(directory / "both sides.wav", halves)
    (directory / "both sides.cue").write_text(
        'PERFORMER "The Turntables"\nTITLE "Both Sides"\nFILE "both sides.wav" WAVE\n'
        '  TRACK 01 AUDIO\n    TITLE "Side A"\n    INDEX 01 00:00:00\n'
        '  TRACK 02 AUDIO\n    TITLE "Side B"\n    INDEX 01 00:16:00\n'
    )
