"""The protocol: which runs make a checkpoint's accuracy on a dataset, and how each of them trains.

No torch here: the workflow plans with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVERYBODYS_SEEDS = 2  # with early stopping; a deviation needs two
Point = tuple[float, float]  # learning rate, weight decay

# What the released code does where it differs from the paper's text: the backbone is frozen but for the running
# statistics of its batch normalisation, weight decays are divided by the learning rate, zero is one of them and comes
# first, the grid is cut to its first point, and the one seed is 5 (give `seeds: 1`).
MODES: dict[str, dict[str, Any]] = {
    "paper": {
        "regime": "full",
        "frozen_batch_norm": "running",
        "weight_decay_mode": "absolute",
        "include_zero_weight_decay": False,
        "first_point_only": False,
        "first_seed": 0,
    },
    "as_released": {
        "regime": "linear",
        "frozen_batch_norm": "batch",
        "weight_decay_mode": "divided_by_lr",
        "include_zero_weight_decay": True,
        "first_point_only": True,
        "first_seed": 5,
    },
}


@dataclass(frozen=True)
class Options:
    """One run: a point of the grid, the budget, and how to train."""

    learning_rate: float  # at the first step; falls to 0 along half a cosine
    weight_decay: float  # of all parameters that train
    steps: int
    batch_size: int
    regime: str = "full"  # what trains: full, last_block or linear (the head always does)
    frozen_batch_norm: str = "running"  # what normalises in frozen layers: running statistics, or the batch's
    augmentation: str = "none"  # or crop_flip: RandomResizedCrop and horizontal flip
    precision: str = "float32"  # or bfloat16: autocast of the training step, weights stay float32; auto: as is fastest
    compile: bool = False  # torch.compile


@dataclass(frozen=True)
class Protocol:
    """All runs of one checkpoint on one dataset."""

    points: tuple[Point, ...]  # the grid, learning rates outermost
    seeds: tuple[int, ...]  # of the final runs
    training: Mapping[str, Any]  # the other fields of `Options`, which all runs share
    halving: int | None  # successive halving keeps 1 / halving of the points per round; None trains all in full
    early_stopping: bool  # no further seeds for checkpoints whose rank is settled


def protocol(config: Mapping[str, Any]) -> Protocol:
    """The protocol that a study's block `finetune` describes."""
    named = MODES[config.get("mode", "paper")] | {key: value for key, value in config.items() if value is not None}
    decays = [0.0] * named["include_zero_weight_decay"] + list(config["weight_decays"])
    divided = named["weight_decay_mode"] == "divided_by_lr"
    points = [
        (float(rate), float(decay / rate if divided else decay))
        for rate, decay in itertools.product(config["learning_rates"], decays)
    ]
    return Protocol(
        points=tuple(points[:1] if named["first_point_only"] else points),
        seeds=tuple(range(named["first_seed"], named["first_seed"] + config["seeds"])),
        training={
            "steps": config["steps"],
            "batch_size": config["batch_size"],
            "regime": named["regime"],
            "frozen_batch_norm": named["frozen_batch_norm"],
            "augmentation": config.get("augmentation", "none"),
            "precision": config.get("precision", "float32"),
            "compile": config.get("compile", False),
        },
        halving=config.get("halving"),
        early_stopping=config.get("early_stopping", False),
    )


def point_name(point: Point) -> str:
    """How files and jobs call a grid point, such as lr0.1-wd0.0001."""
    return f"lr{point[0]:g}-wd{point[1]:g}"
