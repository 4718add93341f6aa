#!/usr/bin/env python3
"""Reference log-mel spectrograms by librosa 0.11 (pip install librosa==0.11.0 soundfile).

    python tests/reference/mel.py
        writes tests/reference/mel/*.npy, which tests/integration/mel.rs compares with `MelExtractor`.
    python tests/reference/mel.py --music FILE FOLDER
        decodes a music file to mono at 22,050 Hz and writes FOLDER/samples.npy and FOLDER/log_mel.npy
        (tests/integration/mel.rs calls this for real music, which is not kept here).

The signals of the first form are made here and in tests/integration/mel.rs by the same formulas.
"""

import sys
from pathlib import Path

import librosa
import numpy as np

HERE = Path(__file__).resolve().parent / "mel"


def chirp(count, rate, low, high):
    """Exponential sine sweep from `low` to `high` Hz, amplitude 0.9."""
    t = np.arange(count, dtype=np.float64) / rate
    growth = np.log(high / low) * rate / count
    return (0.9 * np.sin(2 * np.pi * low * (np.exp(growth * t) - 1) / growth)).astype(np.float32)


def fading_noise(count, step):
    """White noise by a linear congruential generator, 6.02 dB quieter after every `step` samples."""
    state, out = 1, np.empty(count, dtype=np.float32)
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = ((state >> 8) - 2**23) / 2**23 / 2 ** (i // step)
    return out


def log_mel(y, sr=22050, n_fft=2048, hop=512, n_mels=128, f_min=0.0, f_max=11025.0):
    power = librosa.feature.melspectrogram(
        y=y, sr=sr, n_fft=n_fft, hop_length=hop, n_mels=n_mels, fmin=f_min, fmax=f_max
    )
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).astype(np.float32)


def log_linear(y, sr=22050, n_fft=2048, hop=512, bands=64, f_min=100.0, f_max=9000.0):
    """Triangles of unit area at equal steps in Hz, on librosa's power spectrum; interpolated by numpy."""
    power = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop)) ** 2
    hz = librosa.fft_frequencies(sr=sr, n_fft=n_fft)
    edges = np.linspace(f_min, f_max, bands + 2)
    filters = [
        np.interp(hz, edges[band : band + 3], [0, 2 / (edges[band + 2] - edges[band]), 0], 0, 0)
        for band in range(bands)
    ]
    total = np.array(filters) @ power.astype(np.float64)
    return librosa.power_to_db(total, ref=1.0, amin=1e-10, top_db=None).astype(np.float32)


def main():
    assert librosa.__version__.startswith("0.11"), librosa.__version__
    if sys.argv[1:2] == ["--music"]:
        source, folder = sys.argv[2], Path(sys.argv[3])
        y, _ = librosa.load(source, sr=22050, mono=True, dtype=np.float32)
        np.save(folder / "samples.npy", y)
        np.save(folder / "log_mel.npy", log_mel(y))
        return
    HERE.mkdir(exist_ok=True)
    np.save(HERE / "chirp.npy", log_mel(chirp(33000, 22050, 20.0, 11000.0)))
    np.save(HERE / "noise.npy", log_mel(fading_noise(22050, 1378)))
    np.save(
        HERE / "chirp_16k.npy",
        log_mel(chirp(9001, 16000, 50.0, 7000.0), 16000, 400, 160, 40, 60.0, 7600.0),
    )
    np.save(HERE / "shorter_than_one_frame.npy", log_mel(chirp(700, 22050, 300.0, 900.0)))
    np.save(HERE / "chirp_linear.npy", log_linear(chirp(12000, 22050, 20.0, 11000.0)))
    for file in sorted(HERE.glob("*.npy")):
        print(file.name, np.load(file).shape, file.stat().st_size)


if __name__ == "__main__":
    main()
