"""The protocol: the runs behind a checkpoint's accuracy on a dataset, and how each of them trains.

A grid of learning rates and weight decays is searched on validation images; the best point is tested once per seed.
The learning rate within a run is in cosine_schedule.py. No torch here: the workflow plans with this module.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVERYBODYS_SEEDS = 2  # that every checkpoint gets even with early stopping; a standard deviation needs two
Point = tuple[float, float]  # learning rate, weight decay

# The released code differs from the paper's text. It freezes the backbone but for the running statistics of its batch
# normalisation, divides weight decays by the learning rate, puts weight decay 0 first, takes only the first point of
# the grid, and uses the one seed 5 (set `seeds: 1`). VOC's difficult objects count as absent, and its average precision
# is read off scikit-learn's curve. The published accuracies follow the last two rules as well.
MODES: dict[str, dict[str, Any]] = {
    "paper": {
        "regime": "full",
        "frozen_batch_norm": "running",
        "weight_decay_mode": "absolute",
        "include_zero_weight_decay": False,
        "first_point_only": False,
        "first_seed": 0,
        "average_precision": "kit",
        "difficult": "left_out",
    },
    "as_released": {
        "regime": "linear",
        "frozen_batch_norm": "batch",
        "weight_decay_mode": "divided_by_lr",
        "include_zero_weight_decay": True,
        "first_point_only": True,
        "first_seed": 5,
        "average_precision": "curve",
        "difficult": "absent",
    },
}


@dataclass(frozen=True)
class Options:
    """One run: a point of the grid, the budget, and how to train."""

    learning_rate: float  # at the first step; falls to 0 along half a cosine (cosine_schedule.py)
    weight_decay: float  # of all weights that train
    steps: int
    batch_size: int
    regime: str = "full"  # full, last_block or linear: the layers that train beside the head
    frozen_batch_norm: str = "running"  # or batch: the statistics by which frozen layers normalise
    augmentation: str = "none"  # or crop_flip: RandomResizedCrop and horizontal flip
    precision: str = "float32"  # or tf32, bfloat16 (autocast; weights stay float32), auto (precision.py)
    compile: bool = False  # use torch.compile
    average_precision: str = "kit"  # or curve: the rule of the 11-point mAP (accuracy.py)
    difficult: str = "left_out"  # or absent: how VOC's difficult objects count


@dataclass(frozen=True)
class Protocol:
    """All runs of one checkpoint on one dataset."""

    points: tuple[Point, ...]  # the grid, learning rates outermost
    seeds: tuple[int, ...]  # of the test runs
    training: Mapping[str, Any]  # the fields of `Options` that all runs share
    halving: int | None  # share 1 / halving of the points is kept per round; None trains all points in full
    early_stopping: bool  # no further seeds for checkpoints whose rank is settled


def protocol(config: Mapping[str, Any]) -> Protocol:
    """The protocol that a study's block `finetune` describes.

    >>> block = {"learning_rates": [0.1, 0.01], "weight_decays": [0.0001], "seeds": 2, "steps": 32, "batch_size": 8}
    >>> plan = protocol(block)
    >>> plan.points, plan.seeds
    (((0.1, 0.0001), (0.01, 0.0001)), (0, 1))
    """
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
            "average_precision": named["average_precision"],
            "difficult": named["difficult"],
        },
        halving=config.get("halving"),
        early_stopping=config.get("early_stopping", False),
    )


def point_name(point: Point) -> str:
    """The name of a grid point in file names and jobs.

    >>> point_name((0.1, 0.0001))
    'lr0.1-wd0.0001'
    """
    return f"lr{point[0]:g}-wd{point[1]:g}"
