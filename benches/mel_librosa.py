#!/usr/bin/env python3
"""The counterpart of benches/mel.rs: log-mel of the same 30 s by librosa 0.11, on one core, best of 20."""

import os
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
import librosa
import numpy as np

state, samples = 1, np.empty(30 * 22050, dtype=np.float32)
for i in range(len(samples)):
    state = (1664525 * state + 1013904223) % 2**32
    samples[i] = (state >> 8) / 2**23 - 1

times = []
for _ in range(20):
    start = time.perf_counter()
    power = librosa.feature.melspectrogram(y=samples, sr=22050, n_fft=2048, hop_length=512, n_mels=128)
    log_mel = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    times.append(time.perf_counter() - start)
print(f"librosa {librosa.__version__}: {1e3 * min(times):.2f} ms for 30 s, {log_mel.shape[1]} frames")
