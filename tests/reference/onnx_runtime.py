"""Proves that ONNX Runtime runs a model file and answers as circumplex (rten) does.

For each music file: `circumplex features` writes the log-mel windows that the model sees; ONNX Runtime runs the model
file on them, all windows as one batch; the mean over the windows must equal the row that `circumplex analyze` stores.

    pip install numpy onnx onnxruntime pyarrow
    python tests/reference/onnx_runtime.py target/release/circumplex models/best-cnn-felt.onnx MUSIC_FILE...
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
import pyarrow.parquet

TOLERANCE = 1e-3  # percentage points, and points of the 1-to-9 scale, stored as float32


def window_weights(count, duration_s, preprocessing):
    """Every window counts fully but a last one that overlaps its predecessor: it counts by what is new in it."""
    weights = numpy.ones(count)
    length = preprocessing["window"]["length"] / preprocessing["mel"]["sample_rate"]
    rest = duration_s - (count - 1) * length
    if count > 1 and rest < length:
        weights[-1] = rest / length
    return weights / weights.sum()


def main(program, model, *songs):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["circumplex"])
    print("inputs ", [(value.name, value.shape) for value in session.get_inputs()])
    print("outputs", [(value.name, value.shape) for value in session.get_outputs()])
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder, "music")
        music.mkdir()
        for number, song in enumerate(songs):
            shutil.copy(song, music / f"{number:04}{Path(song).suffix}")
        library = Path(folder, "library.parquet")
        subprocess.run([program, "--quiet", "analyze", music, "-o", library, "--model", model], check=True)
        for row in pyarrow.parquet.read_table(library).to_pylist():
            path = Path(row["path"])
            path = path if path.is_absolute() else music / path.name
            npy = Path(folder, "mel.npy")
            subprocess.run([program, "--quiet", "features", path, "-o", npy, "--model", model], check=True,
                           stdout=subprocess.DEVNULL)
            windows = numpy.load(npy)[:, None]
            answers = session.run(["emotions", "valence_arousal", "embedding"], {"log_mel": windows})
            weights = window_weights(len(windows), row["duration_s"], metadata["preprocessing"])
            emotions, affect, embedding = ((answer * weights[:, None]).sum(0) for answer in answers)
            differences = [
                numpy.abs(emotions - row["emotions"]).max(),
                numpy.abs(numpy.clip(affect, 1, 9) - [row["valence"], row["arousal"]]).max(),
                numpy.abs(embedding - row["embedding"]).max(),
            ]
            worst = max(worst, *differences)
            print(f"{path.name}: {len(windows)} windows, largest difference in percentages, valence and arousal, "
                  f"embedding: {', '.join(f'{difference:.2e}' for difference in differences)}")
    print(f"largest difference {worst:.2e}, allowed {TOLERANCE:.0e}")
    return worst > TOLERANCE


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
