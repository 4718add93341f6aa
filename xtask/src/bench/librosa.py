"""librosa's load and melspectrogram on the files of a list: librosa.py THREADS LIST."""

import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def one(path):
    import librosa

    try:
        samples, rate = librosa.load(path)
    except Exception as error:
        return f"{path}: {error}"
    librosa.feature.melspectrogram(y=samples, sr=rate)
    return None


if __name__ == "__main__":
    threads, paths = int(sys.argv[1]), Path(sys.argv[2]).read_text().splitlines()
    with ProcessPoolExecutor(threads) as pool:
        errors = [line for line in pool.map(one, paths, chunksize=8) if line]
    for line in errors:
        print(line, file=sys.stderr)
    print(f"{len(errors)} failed", file=sys.stderr)
