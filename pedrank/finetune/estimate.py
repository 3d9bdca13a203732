"""The cost of a study's fine-tuning on this machine: hours, disk, and how many runs fit on a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch

from pedrank.catalogue.catalogue import catalogue
from pedrank.datasets.size import classes, counts
from pedrank.finetune.grid_search import rounds
from pedrank.finetune.probe import Probe, probe
from pedrank.finetune.protocol import Options, Protocol, protocol
from pedrank.finetune.training_images import VALIDATION_SHARE
from pedrank.runtime.slurm import RUN_MINUTES

RUN_BYTES = 8_000  # record, timing and log of a run
SHARED_MEMORY = 0.9  # share of a GPU's memory that runs may fill


def estimate(config: Mapping[str, Any], device: torch.device) -> str:
    """The estimate as text, from one probe per architecture.

    Args:
        config: A study's configuration, checked and with all defaults.
        device: Where to probe.
    """
    plan = protocol(config["finetune"])
    sizes = config["image_size"], config["finetune"].get("crop_from", 256)
    cards = [catalogue("datasets")[name] for name in config["datasets"]]
    entries = catalogue("checkpoints")
    networks = Counter(entries[name]["architecture"] for name in config["checkpoints"])
    options = Options(*plan.points[0], **plan.training)
    outputs = max(classes(card) for card in cards)
    hours, longest, lines = 0.0, 0.0, []
    weights = []
    for architecture, number in networks.items():
        cost = probe(architecture, outputs, *sizes, options, device)
        spent = number * sum(seconds(plan, *_counts(card), cost) for card in cards) / 3600
        hours += spent
        longest = max(longest, *(_longest(plan, *_counts(card), cost) for card in cards))
        weights += [cost.weights] * number
        speed = f"{1 / cost.train_seconds:.3g} images/s in training, {1 / cost.test_seconds:.3g} in the test"
        timed = f"{cost.steps} steps of {cost.batch_size} images"
        lines += [
            f"{architecture}, {number} checkpoints: {spent:,.2f} hours at {speed} ({timed})",
            *_shared(cost, device),
        ]
    pairs = len(cards) * len(config["checkpoints"])
    runs = runs_of(plan)
    images = sum(sum(_counts(card)) for card in cards)
    sides = sizes if plan.training["augmentation"] != "none" else sizes[:1]
    pixels = images * sum(3 * side**2 for side in set(sides))
    search = f"successive halving by {plan.halving}" if plan.halving else "the whole grid"
    seeds = "early stopping may save some" if plan.early_stopping else "no early stopping"
    return "\n".join(
        [
            f"{pairs} pairs of checkpoint and dataset, {runs} runs each ({search}, {seeds}): {pairs * runs:,} runs",
            *lines,
            f"Time: {hours:,.2f} hours on one {_name(device)}; with several, divide by their number",
            f"One run: {longest / 60:,.1f} minutes at most; a cluster's first attempt requests {RUN_MINUTES} minutes",
            f"Disk: {_size(pixels)} of prepared images, {_size(sum(weights))} of checkpoints, "
            f"{_size(pairs * runs * RUN_BYTES)} of runs, and {_size(2 * max(weights))} of state per unfinished run",
        ]
    )


def runs_of(plan: Protocol) -> int:
    """Runs per pair of checkpoint and dataset, all seeds included.

    >>> grid = {"learning_rates": [0.1, 0.01], "weight_decays": [0.0001], "seeds": 3, "steps": 10, "batch_size": 8}
    >>> runs_of(protocol(grid))
    5
    """
    return of_search(plan)[0] + len(plan.seeds)


def of_search(plan: Protocol) -> tuple[int, int]:
    """Runs and steps of the search of the grid.

    Args:
        plan: The protocol.
    """
    rounds_of = _search(plan)
    return sum(points for points, _ in rounds_of), sum(points * steps for points, steps in rounds_of)


def seconds(plan: Protocol, train: int, validation: int, test: int, cost: Probe) -> float:
    """Seconds of all runs of one pair, all seeds included.

    Args:
        plan: The protocol.
        train: Number of training images (without effect: a run has a fixed number of steps).
        validation: Number of validation images.
        test: Number of test images.
        cost: Seconds per image.
    """
    runs, steps = of_search(plan)
    steps += len(plan.seeds) * plan.training["steps"]
    judged = runs * validation + len(plan.seeds) * test
    return steps * plan.training["batch_size"] * cost.train_seconds + judged * cost.test_seconds


def _longest(plan: Protocol, train: int, validation: int, test: int, cost: Probe) -> float:
    """Seconds of the longest run: all steps, then the larger of validation and test."""
    return plan.training["steps"] * plan.training["batch_size"] * cost.train_seconds + (
        max(validation, test) * cost.test_seconds
    )


def _search(plan: Protocol) -> list[tuple[int, int]]:
    """(points, steps) of each round of the search."""
    if plan.halving is None or len(plan.points) == 1:
        return [(len(plan.points), plan.training["steps"])]
    found, points = [], len(plan.points)
    for steps, keep in rounds(points, plan.halving, plan.training["steps"]):
        found.append((points, steps))
        points = keep
    return found


def _counts(card: Mapping[str, Any]) -> tuple[int, int, int]:
    """Training, validation and test images; "seeded" validation images are a fifth of the training images."""
    found = counts(card)
    train, test = int(found["train"]), int(found["test"])
    if found["validation"] != "seeded":
        return train, int(found["validation"]), test
    validation = train // VALIDATION_SHARE
    return train - validation, validation, test


def _shared(cost: Probe, device: torch.device) -> list[str]:
    if cost.memory is None:
        return []
    total = torch.cuda.get_device_properties(device).total_memory
    fitting = int(SHARED_MEMORY * total / cost.memory)
    line = f"  {cost.memory / 1e9:.1f} GB of GPU memory at the peak"
    return [f"{line}: `--resources gpu={fitting}` lets {fitting} runs share one GPU" if fitting > 1 else line]


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU with {torch.get_num_threads()} threads"
