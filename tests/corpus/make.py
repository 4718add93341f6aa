"""Makes those cases of tests/corpus that no fuzzer found (needs the package `onnx`):

    python tests/corpus/make.py

tiny.onnx, which the models are made of, was written by `circumplex train --data deam/mini` with a recipe of two stages of
two channels, 16 bands and windows of 2 s at 11,025 Hz.
"""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import onnx

HERE = Path(__file__).parent


def write(name, content):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def journal(*records):
    """Lines with right checksums."""
    return b"".join(b"%s %s\n" % (hashlib.sha256(record).hexdigest()[:8].encode(), record) for record in records)


def models():
    def model(name, change):
        proto = onnx.load(HERE / "model/tiny.onnx")
        entry = next(e for e in proto.metadata_props if e.key == "circumplex")
        metadata = json.loads(entry.value)
        change(proto, metadata)
        entry.value = json.dumps(metadata)
        write(f"model/{name}.onnx", proto.SerializeToString())

    def window(seconds):
        def change(proto, metadata):
            length = seconds * 11025
            metadata["preprocessing"]["window"]["length"] = length
            frames = 1 + length // 512
            proto.graph.input[0].type.tensor_type.shape.dim[3].dim_value = frames

        return change

    def embedding(proto, metadata):
        metadata["embedding"] = 1 << 40
        output = next(o for o in proto.graph.output if o.name == "embedding")
        output.type.tensor_type.shape.dim[1].dim_value = 1 << 40

    def weights(proto, metadata):
        del proto.graph.initializer[0].dims[:]
        proto.graph.initializer[0].dims.extend([1 << 31, 1 << 31, 3])

    def circle(proto, metadata):
        node = proto.graph.node[0]
        node.input[0] = proto.graph.node[-1].output[0]

    def kernel(proto, metadata):
        node = next(n for n in proto.graph.node if n.op_type == "Conv")
        for attribute in node.attribute:
            if attribute.name in ("strides", "kernel_shape", "dilations"):
                attribute.ints[0] = 0

    model("window-of-ten-years", window(10 * 365 * 86400))
    model("window-beyond-memory", window(1 << 46))
    model("embedding-beyond-memory", embedding)
    model("weights-beyond-memory", weights)
    model("circle", circle)
    model("stride-0", kernel)


def main():
    models()
    deep = b"x = " + b"[" * 5000 + b"]" * 5000
    write("recipe/deep.toml", deep)
    write("recipe/no-text.toml", bytes(range(256)))
    write("recipe/digits.toml", b"seed = " + b"9" * 4000)
    program = b"circumplex"
    header = json.dumps(
        {"journal": 3, "model": "0" * 64, "preprocessing": {}, "program": program.decode()},
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    write("journal/deep", journal(header, b'{"song":' + b"[" * 5000))
    write("journal/zeros", journal(header) + bytes(4096))
    write("journal/no-line", b"0" * 4096)
    failed = {"path": "/a", "size_bytes": -1, "modified": 1 << 70, "reason": ""}
    write("journal/numbers", journal(header, json.dumps({"failed": failed}).encode()))
    sheet = 'PERFORMER "A"\nTITLE "Mix"\nFILE "mix.wav" WAVE\n'
    for number in range(1, 6):
        sheet += f'  TRACK {number:02} AUDIO\n    TITLE "Nr. {number} é"\n    INDEX 01 {4 * number:02}:30:12\n'
    write("cue/mix.cue", sheet.encode())
    write("cue/latin-1.cue", sheet.encode("latin-1"))
    write("cue/utf-16.cue", sheet.encode("utf-16"))
    write("cue/long-time.cue", b"FILE a WAVE\nTRACK 1 AUDIO\nINDEX 1 18446744073709551615:59:74\n")
    write("cue/quotes.cue", b'FILE "\nFILE ""\nTITLE "\nTRACK\nINDEX\nREM\nREM GENRE\n"')
    write("cue/half-of-utf-16.cue", b"\xff\xfeF")
    write("library/magic-only", b"PAR1" + b"PAR1")
    for length in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
        tail = struct.pack("<I", length)
        write(f"library/footer-of-{length}", b"PAR1" + bytes(64) + tail + b"PAR1")
    # Thrift's varints without an end, and a list of 2^31 columns.
    for name, thrift in (("endless-number", b"\xff" * 64), ("long-list", b"\x19\xfc\xff\xff\xff\xff\x07")):
        tail = struct.pack("<I", len(thrift))
        write(f"library/{name}", b"PAR1" + thrift + tail + b"PAR1")
    riff = lambda kind, size, rest: b"RIFF" + struct.pack("<I", size) + kind + rest
    write("sound/riff-in-riff.wav", riff(b"WAVE", 4, b"") * 40)
    write("sound/no-fmt.wav", riff(b"WAVE", 100, b"data" + struct.pack("<I", 88) + bytes(88)))
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 0, 0, 0)
    write("sound/block-of-0.wav", riff(b"WAVE", 400, form + b"data" + struct.pack("<I", 356) + bytes(356)))
    write("sound/mpeg-sync-only.mp3", b"\xff\xfb\x90\x64" * 500)
    write("sound/adts-sync-only.aac", b"\xff\xf1\x50\x80\x00\x1f\xfc" * 300)
    write("sound/flac-without-frames.flac", b"fLaC\x80\0\0\x22" + bytes(10) + b"\x0a\xc4\x42\xf0\0\0\0\0" + bytes(16))
    page = lambda flags, number: b"OggS\0" + bytes([flags]) + bytes(8) + b"abcd" + struct.pack("<II", number, 0) + b"\0"
    write("sound/empty-pages.ogg", b"".join(page(2 if n == 0 else 0, n) for n in range(60)))
    box = lambda kind, content: struct.pack(">I", 8 + len(content)) + kind + content
    nested = b""
    for _ in range(400):
        nested = box(b"moov", nested)
    write("sound/boxes-in-boxes.m4a", box(b"ftyp", b"M4A \0\0\0\0") + nested)
    write("sound/box-of-0.m4a", box(b"ftyp", b"M4A \0\0\0\0") + struct.pack(">I", 0) + b"moov" + bytes(64))
    write("sound/ebml-of-unknown-size.mkv", b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + bytes(200))
    write("sound/caf-of-minus-1.caf", b"caff\0\1\0\0desc" + b"\xff" * 8 + bytes(40))
    pictures()


def pictures():
    """Small files that claim or unfold to large pictures, and EXIF that leads nowhere."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def png(width, height, depth, *chunks):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")

    def pixels(rows, row_bytes):
        return chunk(b"IDAT", zlib.compress(bytes(rows * (1 + row_bytes)), 9))

    write("picture/bomb.png", png(16000, 4000, 1, pixels(4000, 2000)))
    write("picture/30000-pixels.png", png(30000, 30000, 1, pixels(10, 3750)))
    write("picture/beyond-memory.png", png(2**31 - 1, 2**31 - 1, 8, pixels(1, 8)))
    write("picture/no-pixels.png", png(64, 64, 8, chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")))
    write("picture/0-wide.png", png(0, 64, 8, pixels(64, 0)))
    write("picture/thin.png", png(1, 16000, 8, pixels(16000, 1)))
    write("picture/start-only.jpg", b"\xff\xd8\xff")
    write("picture/segment-beyond-the-end.jpg", b"\xff\xd8\xff\xe1\xff\xffExif\0\0MM\0*")
    write("picture/riff-of-4-gigabytes.webp", b"RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\xff" + bytes(20))


if __name__ == "__main__":
    main()
