"""Fine-tuning: how accurate a checkpoint becomes when all its layers are trained on a dataset (section 4 of the paper).

A grid of learning rates and weight decays is trained on the training images and judged on the validation images; the
best point is trained again on both, once per seed, and tested. Every finished run is one JSON file, written at once.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pedrank.artefacts import VERSION, read_json, sha256, write_json
from pedrank.checkpoints import load
from pedrank.datasets import Dataset, load_images
from pedrank.errors import InputError
from pedrank.features import normalise

if TYPE_CHECKING:
    import torch

MOMENTUM = 0.9
HEAD_STD = 0.01
BATCH_NORM_STEPS = 8
EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Options:
    """One point of the grid and the budget of a run."""

    learning_rate: float  # at the first step; falls to 0 along half a cosine
    weight_decay: float  # of all parameters
    steps: int
    batch_size: int


@dataclass(frozen=True)
class Outcome:
    """What one run found."""

    accuracy: float  # top-1 in percent; chance level if the run diverged
    diverged: bool  # the loss or the outputs stopped being finite
    curve: list[tuple[int, float]]  # (step, training loss), sixteen of them at most


def finetune(
    network: torch.nn.Module,
    normalisation: Mapping[str, Sequence[float]],
    dataset: Dataset,
    train: Sequence[str],
    test: Sequence[str],
    options: Options,
    seed: int,
    device: str | torch.device = "cpu",
) -> Outcome:
    """Train a copy of `network` under a new linear head on the splits `train`; accuracy on the splits `test`.

    SGD with Nesterov momentum 0.9 on all parameters, cross-entropy, cosine schedule without restarts, no augmentation,
    float32. The head starts at N(0, 0.01^2) with zero bias. `seed` decides the head and the order of the images, which
    are shuffled anew each epoch. Batch normalisation uses batch statistics in training and running ones in the test;
    their momentum is 8 / steps, between torch's own 0.1 (from 80 steps on) and 1.

    Args:
        network: Maps (B, 3, H, W) to (B, D), with `feature_dim` D; left as it is.
        normalisation: "mean" and "std" of the three channels.
        dataset: Images and labels.
        train, test: Names of splits.
        options: Learning rate, weight decay, steps, batch size.
        seed: Of head and order.
        device: Where to compute.

    Raises:
        InputError: One of the splits is empty.
    """
    import torch
    from torch.nn import functional

    rows = dataset.rows(*train)
    if not len(rows) or not len(dataset.rows(*test)):
        raise InputError(
            f"{dataset.name}: no images in {' or '.join(train)}, or none in {' or '.join(test)}; give it some"
        )
    random = torch.Generator().manual_seed(seed)
    head = torch.nn.Linear(cast(int, network.feature_dim), len(dataset.class_names))
    torch.nn.init.normal_(head.weight, std=HEAD_STD, generator=random)
    torch.nn.init.zeros_(head.bias)
    model = torch.nn.Sequential(copy.deepcopy(network), head).to(device).to(memory_format=torch.channels_last).train()
    # At torch's own momentum, 0.1, running statistics remember some 30 steps: in a short run, the source images too.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = min(1.0, max(0.1, BATCH_NORM_STEPS / options.steps))
    velocity = {parameter: torch.zeros_like(parameter) for parameter in model.parameters()}
    curve: list[tuple[int, float]] = []
    for step, batch in enumerate(rows[_batches(len(rows), options, random)]):
        labels = torch.from_numpy(dataset.labels[batch]).to(device)
        loss = functional.cross_entropy(model(normalise(dataset.images[batch], normalisation, device)), labels)
        gradients = torch.autograd.grad(loss, list(velocity))
        rate = options.learning_rate * (1 + math.cos(math.pi * step / options.steps)) / 2
        _nesterov(velocity, gradients, rate, options.weight_decay)
        if step % math.ceil(options.steps / 16) == 0:
            if not math.isfinite(loss.item()):
                return _diverged(dataset, curve)
            curve.append((step, loss.item()))
    accuracy = _accuracy(model, normalisation, dataset, test, device)
    return _diverged(dataset, curve) if accuracy is None else Outcome(accuracy, False, curve)


def _nesterov(
    velocity: Mapping[torch.nn.Parameter, torch.Tensor],
    gradients: Sequence[torch.Tensor],
    rate: float,
    weight_decay: float,
) -> None:
    """One step of SGD with Nesterov momentum, as torch.optim.SGD defines it: v <- 0.9 v + g, w <- w - rate (g + 0.9 v).

    g is the gradient plus `weight_decay` times w. torch's own optimiser gives the same numbers, but its
    first step imports torch's compiler, which takes longer than a whole run of the quickstart.
    """
    import torch

    with torch.no_grad():
        for (weight, v), gradient in zip(velocity.items(), gradients, strict=True):
            g = gradient.add(weight, alpha=weight_decay)
            v.mul_(MOMENTUM).add_(g)
            weight.sub_(g.add(v, alpha=MOMENTUM), alpha=rate)


def _batches(rows: int, options: Options, random: torch.Generator) -> np.ndarray:
    """(steps, batch size) numbers below `rows`: epoch after epoch, each in an order of its own."""
    import torch

    wanted = options.steps * options.batch_size
    epochs = [torch.randperm(rows, generator=random) for _ in range(math.ceil(wanted / rows))]
    return torch.cat(epochs)[:wanted].view(options.steps, options.batch_size).numpy()


def _accuracy(
    model: torch.nn.Module,
    normalisation: Mapping[str, Sequence[float]],
    dataset: Dataset,
    splits: Sequence[str],
    device: str | torch.device,
) -> float | None:
    """Top-1 accuracy in percent; None if an output is not finite."""
    import torch

    rows = dataset.rows(*splits)
    model.eval()
    correct = 0
    with torch.inference_mode():
        for batch in np.split(rows, range(EVALUATION_BATCH, len(rows), EVALUATION_BATCH)):
            outputs = model(normalise(dataset.images[batch], normalisation, device)).cpu()
            if not outputs.isfinite().all():
                return None
            correct += int((outputs.argmax(dim=1).numpy() == dataset.labels[batch]).sum())
    return 100 * correct / len(rows)


def _diverged(dataset: Dataset, curve: list[tuple[int, float]]) -> Outcome:
    return Outcome(100 / len(dataset.class_names), True, curve)


def run_grid(
    images: str | os.PathLike,
    checkpoint: str | os.PathLike,
    folder: str | os.PathLike,
    learning_rates: Sequence[float],
    weight_decays: Sequence[float],
    seeds: int,
    steps: int,
    batch_size: int,
    code: str = "",
    device: str | torch.device = "cpu",
) -> list[dict[str, Any]]:
    """All runs of one checkpoint on one dataset.

    Every grid point is trained on the training images (seed 0) and judged on the validation images; the best one (of
    equals the first in the order of the grid, learning rates outermost; a diverged run only if all diverged) is trained
    on both and tested, once with each of the seeds 0, 1, …, `seeds` - 1.

    A finished run is written at once to `folder`, its timing beside it, and taken from there the next time if it was
    made from the same inputs by the same options and `code`.

    Args:
        images: Dataset file, as `pedrank.datasets.save_images` writes it.
        checkpoint: Weights, as `pedrank.checkpoints.load` reads them.
        folder: For the files of the runs; what else is in there stays and is ignored.
        learning_rates, weight_decays: The grid.
        seeds: Number of final runs.
        steps, batch_size: Budget of each run.
        code: Digest of the code that decides the numbers.
        device: Where to compute.

    Returns:
        One record per run: stage ("validation" or "test"), learning_rate, weight_decay, seed, accuracy, diverged.
    """
    dataset = load_images(images)
    network, normalisation = load(checkpoint)
    made_from = {"images": sha256(images), "checkpoint": sha256(checkpoint), "code": code}
    where = f"{dataset.name}, {Path(checkpoint).stem}"

    def run(stage: str, train: Sequence[str], point: tuple[float, float], seed: int) -> dict[str, Any]:
        options = Options(*point, steps, batch_size)
        path = Path(folder) / f"{stage}-lr{point[0]:g}-wd{point[1]:g}-seed{seed}.json"
        record: dict[str, Any] = {
            "stage": stage,
            "train": list(train),
            "options": asdict(options),
            "seed": seed,
        } | made_from
        record["hash"] = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        if (kept := _kept(path, record["hash"])) is not None:
            return kept
        start = time.perf_counter()
        outcome = finetune(network, normalisation, dataset, train, [stage], options, seed, device)
        seconds = time.perf_counter() - start
        timing = {"seconds": seconds, "images_per_second": steps * batch_size / seconds}
        write_json(path.with_suffix(".timing.json"), timing)
        record |= {"pedrank": VERSION} | asdict(outcome)
        write_json(path, record)
        print(_line(where, record, seconds), file=sys.stderr, flush=True)
        return record

    grid = list(itertools.product(learning_rates, weight_decays))
    judged = [run("validation", ["train"], point, 0) for point in grid]
    best = grid[max(range(len(grid)), key=lambda i: (not judged[i]["diverged"], judged[i]["accuracy"]))]
    tested = [run("test", ["train", "validation"], best, seed) for seed in range(seeds)]
    return [_summary(record) for record in judged + tested]


def _kept(path: Path, expected_hash: str) -> dict[str, Any] | None:
    """The record of an earlier run if it is the same run."""
    if not path.exists():
        return None
    record = read_json(path)
    return record if record.get("hash") == expected_hash else None


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    options = record["options"]
    return {
        "stage": record["stage"],
        "learning_rate": options["learning_rate"],
        "weight_decay": options["weight_decay"],
        "seed": record["seed"],
        "accuracy": record["accuracy"],
        "diverged": record["diverged"],
    }


def _line(where: str, record: Mapping[str, Any], seconds: float) -> str:
    options = record["options"]
    result = "diverged" if record["diverged"] else f"{record['accuracy']:.1f} %"
    return (
        f"{where}: lr {options['learning_rate']:g}, wd {options['weight_decay']:g}, seed {record['seed']}: "
        f"{record['stage']} {result} ({seconds:.1f} s)"
    )
