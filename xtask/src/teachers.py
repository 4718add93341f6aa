"""Writes the teachers of `best-cnn-felt` as ONNX: musicnn's networks, which tag music and are published with their weights.

    python teachers.py WHEEL DIRECTORY

WHEEL is PyPI's musicnn 0.1.0 (Pons & Serra 2019, *musicnn: pre-trained convolutional neural networks for music audio
tagging*; ISC licence). Its checkpoints are TensorFlow's, but NumPy is enough to read them. Needs numpy and onnx.

Each file takes `log_mel`, float32 [batch, 1, 96, 187]: 187 frames of a log-mel spectrogram in dB at 16 kHz (window 512,
hop 256, 96 Slaney bands up to 8 kHz), and gives `penultimate` [batch, 200] and `tags` [batch, 50] (logits).
"""

import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BANDS, FRAMES, UNITS, TAGS = 96, 187, 200, 50
# TensorFlow's default.
NORM_EPSILON = 1e-3
NETWORKS = {"msd-musicnn": "MSD_musicnn", "mtt-musicnn": "MTT_musicnn"}


# --- TensorFlow's checkpoints: a LevelDB table of names, and a file of numbers -------------------------------------


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def table_block(data, offset, size):
    """Keys and values of an uncompressed block; keys share the beginning of the one before."""
    if data[offset + size] != 0:
        raise SystemExit("the checkpoint's index is compressed, which this script does not read")
    block = data[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = varint(block, at)
        rest, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at : at + rest]
        at += rest
        yield key.decode(), block[at : at + length]
        at += length


def protobuf(data):
    """Field numbers and values of a message."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = (4, at) if tag & 7 == 5 else varint(data, at)
            value = data[at : at + size]
            at += size
        yield tag >> 3, value


def checkpoint(index, numbers):
    """The float32 tensors of a checkpoint by name."""
    footer = index[-48:]
    _, at = varint(footer, 0)
    _, at = varint(footer, at)
    offset, at = varint(footer, at)
    size, _ = varint(footer, at)
    tensors = {}
    for _, handle in table_block(index, offset, size):
        offset, at = varint(handle, 0)
        size, _ = varint(handle, at)
        for name, entry in table_block(index, offset, size):
            entry_fields = list(protobuf(entry))
            entry = dict(entry_fields)
            if not name or entry.get(1) != 1:  # float32
                continue
            shape = [dict(protobuf(dim)).get(1, 0) for number, dim in protobuf(entry.get(2, b"")) if number == 2]
            values = np.frombuffer(numbers, np.float32, entry[5] // 4, entry.get(4, 0))
            tensors[name] = values.reshape(shape)
    return tensors


# --- The graph ----------------------------------------------------------------------------------------------------


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, values, kind=np.float32):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name

    def node(self, operator, *inputs, name=None, **attributes):
        name = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name


def musicnn(weights):
    """models.py's `build_musicnn`, with time as the last axis: [batch, channels, bands, frames]."""
    graph = Graph()
    convolutions = dense = norms = 0

    def name(kind, number):
        return kind if number == 0 else f"{kind}_{number}"

    def norm(x, shape):
        nonlocal norms
        prefix = name("batch_normalization", norms)
        norms += 1
        gamma, beta, mean, variance = (
            weights[f"{prefix}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + NORM_EPSILON)
        x = graph.node("Mul", x, graph.constant(scale.reshape(shape)))
        return graph.node("Add", x, graph.constant((beta - mean * scale).reshape(shape)))

    def convolution(x, pads):
        """TensorFlow's kernel is [frames, bands, inputs, outputs]; ReLU and batch normalization follow."""
        nonlocal convolutions
        prefix = name("conv2d", convolutions)
        convolutions += 1
        kernel = weights[f"{prefix}/kernel"].transpose(3, 2, 1, 0)
        inputs = (x, graph.constant(kernel), graph.constant(weights[f"{prefix}/bias"]))
        x = graph.node("Conv", *inputs, kernel_shape=list(kernel.shape[2:]), pads=pads)
        return norm(graph.node("Relu", x), [1, -1, 1, 1])

    def linear(x, last=None):
        nonlocal dense
        prefix = name("dense", dense)
        dense += 1
        return graph.node(
            "Gemm",
            x,
            graph.constant(weights[f"{prefix}/kernel"].T),
            graph.constant(weights[f"{prefix}/bias"]),
            name=last,
            transB=1,
        )

    def rows(x, count):
        """[batch, count, 1, frames] as a picture of one channel, [batch, 1, count, frames]."""
        return graph.node("Reshape", x, graph.constant([0, 1, count, -1], np.int64))

    # log10(1 + 10,000 power) of decibels
    power = graph.node("Exp", graph.node("Mul", "log_mel", graph.constant(np.log(10) / 10)))
    raised = graph.node("Add", graph.node("Mul", power, graph.constant(10_000)), graph.constant(1))
    x = graph.node("Mul", graph.node("Log", raised), graph.constant(1 / np.log(10)))
    x = norm(x, [1, -1, 1, 1])
    fronts, count = [], 0
    for kernel in (7, 7, 128, 64, 32):
        # TensorFlow's "same" puts the odd frame of padding at the end.
        before = (kernel - 1) // 2
        filters = convolution(x, [0, before, 0, kernel - 1 - before])
        fronts.append(graph.node("ReduceMax", filters, axes=[2], keepdims=1))
        count += 204 if kernel == 7 else 51
    front = rows(graph.node("Concat", *fronts, axis=1), count)
    layers = [front]
    for layer in range(3):
        filters = rows(convolution(layers[-1], [0, 3, 0, 3]), 64)
        layers.append(filters if layer == 0 else graph.node("Add", filters, layers[-1]))
    features = graph.node("Concat", *layers, axis=2)
    pooled = [graph.node(operator, features, axes=[3], keepdims=1) for operator in ("ReduceMax", "ReduceMean")]
    # Feature after feature, the maximum before the mean.
    flat = graph.node("Concat", *pooled, axis=3)
    flat = graph.node("Reshape", flat, graph.constant([0, 2 * (count + 3 * 64)], np.int64))
    x = graph.node("Relu", linear(norm(flat, [1, -1])))
    x = norm(x, [1, -1])
    graph.nodes[-1].output[0] = "penultimate"
    linear("penultimate", last="tags")
    return graph


def tensor(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def main():
    wheel, directory = Path(sys.argv[1]), Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as files:
        for file, network in NETWORKS.items():
            parts = [files.read(f"musicnn/{network}/.{part}") for part in ("index", "data-00000-of-00001")]
            graph = musicnn(checkpoint(*parts))
            model = helper.make_model(
                helper.make_graph(
                    graph.nodes,
                    file,
                    [tensor("log_mel", 1, BANDS, FRAMES)],
                    [tensor("penultimate", UNITS), tensor("tags", TAGS)],
                    graph.constants,
                ),
                opset_imports=[helper.make_opsetid("", 13)],
                ir_version=7,
                doc_string="musicnn 0.1.0 (ISC licence), https://github.com/jordipons/musicnn",
            )
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, directory / f"{file}.onnx")
            print(directory / f"{file}.onnx")


if __name__ == "__main__":
    main()
