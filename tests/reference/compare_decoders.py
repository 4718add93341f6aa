#!/usr/bin/env python3
"""Compares our decoders with ffmpeg's, file by file.

    cargo build --release --example decode
    python3 compare_decoders.py target/release/examples/decode FILE_OR_FOLDER...

Prints for each file: samples here and there, the largest difference between the two mono signals, the signal-to-noise
ratio of ours against ffmpeg's in dB. Needs ffmpeg and numpy.
"""
import pathlib, subprocess, sys, tempfile
import numpy as np


def ours(program, path, raw):
    line = subprocess.run([program, "--raw", raw, path], capture_output=True, text=True).stdout.splitlines()[0]
    if "\tfailed\t" in line:
        return None, line.split("\tfailed\t", 1)[1]
    return np.fromfile(raw, "<f4"), line.split("\t")[4]


def theirs(path):
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=channels",
                            "-of", "csv=p=0", path], capture_output=True, text=True).stdout
    channels = int(probe.split(",")[0].split()[0])
    # ffmpeg's own Opus decoder differs from the reference decoder in speech; libopus is the reference.
    opus = ["-c:a", "libopus"] if "opus" in path else []
    raw = subprocess.run(["ffmpeg", "-v", "quiet", *opus, "-i", path, "-map", "0:a:0", "-f", "f32le", "-"],
                         capture_output=True).stdout
    return np.frombuffer(raw, "<f4").reshape(-1, channels).mean(axis=1)


def main():
    program, *places = sys.argv[1:]
    files = []
    for place in map(pathlib.Path, places):
        files += sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
    worst, unequal = 0.0, 0
    print(f"{'file':40} {'codec':14} {'ours':>10} {'ffmpeg':>10} {'max diff':>10} {'SNR dB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            if path.suffix in (".py", ".tsv", ".md"):
                continue
            mine, codec = ours(program, str(path), f"{folder}/raw")
            if mine is None:
                print(f"{path.name:40} {codec}")
                unequal += 1
                continue
            other = theirs(str(path))
            n = min(len(mine), len(other))
            diff = np.abs(mine[:n] - other[:n])
            noise = float(np.sum((mine[:n] - other[:n]).astype(float) ** 2))
            signal = float(np.sum(other[:n].astype(float) ** 2))
            snr = 10 * np.log10(signal / noise) if noise > 0 else float("inf")
            worst, unequal = max(worst, float(diff.max(initial=0))), unequal + (len(mine) != len(other))
            print(f"{path.name:40} {codec:14} {len(mine):10} {len(other):10} {diff.max(initial=0):10.2e} {snr:8.1f}")
    print(f"largest difference {worst:.2e}, {unequal} files of other length or failed")


if __name__ == "__main__":
    main()
