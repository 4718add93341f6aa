#!/usr/bin/env python3
"""An epoch of `circumplex train` beside the same network trained in PyTorch from Python, on as many songs.

    benches/train_epoch.py --program target/release/circumplex --data DEAM --recipe best-cnn --threads 2

Both train on all songs but one (which is the test, so that nothing validates). The program's time is that of whole
epochs, by its log: making batches, learning, and the checkpoint. Python's is that of learning alone, with batches that
were made before the clock started, of made-up spectrograms: forward, loss, backward, clipping,
AdamW (fused), learning rate; in PyTorch's usual order of memory, or with --channels-last in the one that the program
uses. The two take turns, and every round gives a ratio. PyTorch has to be of the version that
libtorch has.
"""

import argparse
import csv
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

import numpy as np
import torch
from torch import nn


def noise(songs, frames, bands):
    """Made-up spectrograms, float16 [frames, bands]: what an epoch costs does not depend on the values."""
    random = np.random.default_rng(1)
    return [random.normal(-40, 15, (frames, bands)).astype(np.float16) for _ in range(songs)]


class Network(nn.Module):
    """The network of a recipe, as src/train/network.rs builds it."""

    def __init__(self, recipe):
        super().__init__()
        shape = recipe["network"]
        self.shape = shape
        relative = shape.get("relative_bands", False)
        norm = shape.get("batch_norm", True)
        bands, channels, stages = recipe["features"]["n_mels"], 2 if relative else 1, []
        for stage in shape["stages"]:
            kernel, stride = stage.get("kernel", 3), stage.get("stride", [1, 1])
            pool = stage.get("pool", [2, 2])
            stages.append(nn.Conv2d(channels, stage["channels"], kernel, stride, kernel // 2, bias=not norm))
            channels = stage["channels"]
            if norm:
                stages.append(nn.BatchNorm2d(channels))
            stages.append(nn.ReLU())
            if pool != [1, 1]:
                stages.append(nn.MaxPool2d(pool))
            if shape.get("stage_dropout", 0):
                stages.append(nn.Dropout(shape["stage_dropout"]))
            bands = -(-bands // stride[0]) // pool[0]
        self.stages = nn.Sequential(*stages)
        width, mix = channels * bands, shape["mix"]
        self.mix = None
        if mix:
            layers = [nn.Conv1d(width, mix, 1, bias=not norm)] + ([nn.BatchNorm1d(mix)] if norm else []) + [nn.ReLU()]
            self.mix, width = nn.Sequential(*layers), mix
        units = shape.get("recurrent", 0)
        self.recurrent = nn.LSTM(width, units, batch_first=True, bidirectional=True) if units else None
        width = 2 * units if units else width
        width *= len(shape["summary"])
        dense = []
        for after in shape.get("dense", []):
            dense += [nn.Linear(width, after), nn.ReLU()]
            width = after
        self.dense = nn.Sequential(*dense)
        self.dropout = nn.Dropout(shape["dropout"])
        self.head = nn.Linear(width, 10 if recipe["loss"]["valence_arousal"] else 8)

    def forward(self, x):
        x = x * 0.05 + 1.5  # what standardizing costs
        if self.shape.get("relative_bands", False):
            x = torch.cat([x, x - x.mean(3, keepdim=True)], 1)
        x = self.stages(x).flatten(1, 2)
        if self.mix is not None:
            x = self.mix(x)
        if self.recurrent is not None:
            x = self.recurrent(x.transpose(1, 2))[0].transpose(1, 2)
        mean = x.mean(2)
        taken = {
            "mean": lambda: mean,
            "deviation": lambda: ((x * x).mean(2) - mean * mean).relu().add(1e-4).sqrt(),
            "maximum": lambda: x.amax(2),
        }
        x = self.dense(torch.cat([taken[name]() for name in self.shape["summary"]], 1))
        return self.head(self.dropout(x))


def batches(recipe, songs, frames):
    """One epoch of random crops with made-up labels, averaged over frames as the recipe says."""
    pool, size = recipe["network"]["frame_pool"], recipe["optimizer"]["batch"]
    random = np.random.default_rng(1)
    made = []
    for first in range(0, len(songs), size):
        crops = []
        for song in songs[first : first + size]:
            start = random.integers(0, max(1, len(song) - frames + 1))
            crop = np.take(song, range(start, start + frames // pool * pool), axis=0, mode="wrap")
            crops.append(crop.astype(np.float32).reshape(-1, pool, crop.shape[1]).mean(1).T)
        if len(crops) > 1:
            labels = random.dirichlet(np.ones(8), len(crops)).astype(np.float32)
            affect = random.normal(size=(len(crops), 2)).astype(np.float32)
            made.append([torch.from_numpy(a) for a in (np.stack(crops)[:, None], labels, affect)])
    return made


def epochs_in_python(recipe, made, epochs, channels_last):
    """Seconds of every epoch."""
    network, settings = Network(recipe), recipe["optimizer"]
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        made = [[x.to(memory_format=torch.channels_last), *labels] for x, *labels in made]
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"], fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings["learning_rate"], epochs * len(made))
    network.train()
    times = []
    for _ in range(epochs):
        began = time.perf_counter()
        for x, emotions, affect in made:
            out = network(x)
            loss = nn.functional.kl_div(out[:, :8].log_softmax(1), emotions, reduction="batchmean")
            if out.shape[1] > 8:
                loss = loss + nn.functional.mse_loss(out[:, 8:], affect)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), settings["clip"])
            optimizer.step()
            schedule.step()
            assert math.isfinite(loss.item())
        times.append(time.perf_counter() - began)
    return times, sum(p.numel() for p in network.parameters())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/circumplex")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", default="best-cnn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3, help="epochs in a round; the first of them is left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--channels-last", action="store_true", help="PyTorch too keeps the channels side by side")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([args.program, "labels", args.data, "-q", "-o", folder / "labels.csv"], check=True)
        with open(folder / "labels.csv", newline="") as file:
            ids = [row["song_id"] for row in csv.DictReader(file)]
        with open(folder / "split.csv", "w") as file:
            file.writelines(["song_id,part\n"] + [f"{id},{'train' if n else 'test'}\n" for n, id in enumerate(ids)])
        command = [args.program, "train", "-q", "--force", "--device", "cpu", "--data", args.data, "-o", folder / "run"]
        command += ["--recipe", args.recipe, "--epochs", str(args.epochs), "--split", folder / "split.csv"]
        command += ["--threads", str(args.threads)]
        made, ratios, outside = None, [], []
        for round in range(args.rounds):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with open(folder / "run/log.csv", newline="") as file:
                rows = list(csv.DictReader(file))[1:]
            ours = [float(row["seconds"]) for row in rows]
            outside += [float(row["outside_libtorch"]) for row in rows]
            if made is None:
                recipe = tomllib.loads((folder / "run/recipe.toml").read_text())
                features = recipe["features"]
                frames = 1 + round_half(recipe["window"]["seconds"] * features["sample_rate"]) // features["hop_length"]
                songs = noise(len(ids) - 1, 3 * frames, features["n_mels"])
                made = batches(recipe, songs, frames)
            theirs, parameters = epochs_in_python(recipe, made, args.epochs, args.channels_last)
            told = json.loads((folder / "run/scores.json").read_text())["parameters"]
            if told != parameters:
                sys.exit(f"not the same network: the program's has {told} parameters, Python's {parameters}")
            ratios.append(statistics.mean(ours) / statistics.mean(theirs[1:]))
            print(
                f"round {round + 1}: circumplex {statistics.mean(ours):.2f} s, PyTorch {statistics.mean(theirs[1:]):.2f} s "
                f"an epoch, ratio {ratios[-1]:.3f}",
                flush=True,
            )
        print(
            f"{len(songs)} songs, {args.threads} thread(s), {parameters} parameters, torch {torch.__version__}: ratio "
            f"{statistics.median(ratios):.3f} (median of {len(ratios)}), outside libtorch {100 * statistics.mean(outside):.1f} % "
            f"of an epoch (at most {100 * max(outside):.1f} %)"
        )
    return 0


def round_half(number):
    return int(number + 0.5)


if __name__ == "__main__":
    sys.exit(main())
