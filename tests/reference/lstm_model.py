"""Makes tests/fixtures/model/bilstm.onnx, a tiny model with a bidirectional LSTM, and ONNX Runtime's answer for one window.

    pip install numpy onnx onnxruntime
    python tests/reference/lstm_model.py

The metadata is that of tests/corpus/model/tiny.onnx, the weights are random. The window's values are
-((i * 7919) % 1000) / 10 dB for i = 0, 1, ...
"""

import json
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

TESTS = Path(__file__).parents[1]
UNITS = 6


def main():
    tiny = onnx.load(TESTS / "corpus/model/tiny.onnx")
    entry = next(e for e in tiny.metadata_props if e.key == "circumplex")
    metadata = json.loads(entry.value)
    metadata["name"], metadata["embedding"] = "bilstm", 2 * UNITS
    bands, frames = (d.dim_value for d in tiny.graph.input[0].type.tensor_type.shape.dim[2:])
    random = numpy.random.default_rng(4)
    weights = {
        "shape": numpy.array([0, bands, frames]),
        "scale": numpy.float32([0.02]),
        "input": random.normal(0, 0.5, (2, 4 * UNITS, bands)).astype("f4"),
        "recurrent": random.normal(0, 0.5, (2, 4 * UNITS, UNITS)).astype("f4"),
        "biases": random.normal(0, 0.5, (2, 8 * UNITS)).astype("f4"),
        "flat": numpy.array([0, 2 * UNITS, frames]),
        "emotions_weight": random.normal(0, 1, (8, 2 * UNITS)).astype("f4"),
        "affect_weight": random.normal(0, 1, (2, 2 * UNITS)).astype("f4"),
        "hundred": numpy.float32([100]),
        "middle": numpy.float32([5, 5]),
    }
    node = helper.make_node
    nodes = [
        node("Reshape", ["log_mel", "shape"], ["bands"]),
        node("Mul", ["bands", "scale"], ["scaled"]),
        node("Transpose", ["scaled"], ["in_time"], perm=[2, 0, 1]),
        node("LSTM", ["in_time", "input", "recurrent", "biases"], ["states"], direction="bidirectional", hidden_size=UNITS),
        node("Transpose", ["states"], ["turned"], perm=[2, 1, 3, 0]),
        node("Reshape", ["turned", "flat"], ["features"]),
        node("ReduceMean", ["features"], ["embedding"], axes=[2], keepdims=0),
        node("Gemm", ["embedding", "emotions_weight"], ["logits"], transB=1),
        node("Softmax", ["logits"], ["shares"], axis=1),
        node("Mul", ["shares", "hundred"], ["emotions"]),
        node("Gemm", ["embedding", "affect_weight", "middle"], ["valence_arousal"], transB=1),
    ]
    tensor = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
    graph = helper.make_graph(
        nodes,
        "bilstm",
        [tensor("log_mel", 1, bands, frames)],
        [tensor("emotions", 8), tensor("valence_arousal", 2), tensor("embedding", 2 * UNITS)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    helper.set_model_props(model, {"circumplex": json.dumps(metadata)})
    onnx.checker.check_model(model, full_check=True)
    path = TESTS / "fixtures/model/bilstm.onnx"
    path.parent.mkdir(exist_ok=True)
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path)
    window = -((numpy.arange(bands * frames) * 7919) % 1000) / numpy.float32(10)
    window = window.astype("f4").reshape(1, 1, bands, frames)
    answers = session.run(["emotions", "valence_arousal", "embedding"], {"log_mel": window})
    answers = [[float(value) for value in answer[0]] for answer in answers]
    path.with_suffix(".json").write_text(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
