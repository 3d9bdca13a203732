"""Measure the effect of pre-training: a checkpoint of the tiny zoo against random weights, fine-tuned on CIFAR-10.

Both use the paper's grid of 16 points and five seeds of the best point. Every run is a row of
docs/ground-truth/cifar10.csv. About 20 minutes on one processor core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import torch

from pedrank.datasets.dataset import Dataset, save_images
from pedrank.datasets.readers import cifar10
from pedrank.finetune.all_runs import run_dataset
from pedrank.finetune.protocol import protocol
from pedrank.finetune.run import pair
from pedrank.finetune.runs_table import runs_table
from pedrank.networks.build import build
from pedrank.store.artefacts import read_metadata, write_arrays, write_csv
from pedrank.utils.paths import PACKAGE

OUT = Path(__file__).resolve().parent.parent / "docs/ground-truth/cifar10.csv"
GRID = {"learning_rates": [1e-1, 1e-2, 1e-3, 1e-4], "weight_decays": [1e-6, 1e-5, 1e-4, 1e-3], "seeds": 5}
BUDGET = {"steps": 300, "batch_size": 64}


def random_checkpoint(like: Path, path: Path) -> Path:
    """Write a checkpoint with the network and normalisation of `like` and random weights to `path`; return `path`."""
    metadata = read_metadata(like)
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in build(metadata["architecture"]).state_dict().items()}
    write_arrays(path, weights, {key: metadata[key] for key in ("architecture", "normalisation")})
    return path


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """By checkpoint, the chosen point, and mean, standard deviation, lowest and highest accuracy of its test runs."""
    tested = runs[runs["stage"] == "test"].groupby("checkpoint", sort=False)
    return tested.agg(
        learning_rate=("learning_rate", "first"),
        weight_decay=("weight_decay", "first"),
        mean=("accuracy", "mean"),
        sd=("accuracy", "std"),
        lowest=("accuracy", "min"),
        highest=("accuracy", "max"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="for CIFAR-10 (fetched if absent) and the runs")
    parser.add_argument("--checkpoint", default="simclr-tiny")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images = arguments.folder / "images.safetensors"
    if not images.exists():
        save_images(Dataset(name="cifar10", **cifar10.load(arguments.folder)), images)
    trained = PACKAGE / "checkpoints/tiny" / f"{arguments.checkpoint}.safetensors"
    checkpoints = [trained, random_checkpoint(trained, arguments.folder / "random.safetensors")]
    pairs = [pair(images, checkpoint) for checkpoint in checkpoints]
    runs = runs_table(run_dataset(pairs, arguments.folder / "runs", protocol(GRID | BUDGET)))
    write_csv(OUT, runs)
    print(summary(runs).to_string(float_format="%.4g"))


if __name__ == "__main__":
    main()
