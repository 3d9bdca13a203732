"""The recipe of a pre-trained network: what a catalogue entry says under `pretrain`, and its architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNTRAINED = "none"  # the objective of a network that keeps its random weights


@dataclass(frozen=True)
class Recipe:
    """One network and its pre-training; defaults are the tiny zoo's."""

    objective: str  # a name in `pedrank.pretrain.objectives.OBJECTIVES`, or `UNTRAINED`
    architecture: str = "tiny-resnet"
    epochs: int = 8  # passes over the images
    images: int = 20_000  # CIFAR-10 training images: a random choice, the same for all recipes
    seed: int = 0  # of initial weights, order of images and views


def recipe_of(entry: Mapping[str, Any]) -> Recipe:
    """The recipe of a checkpoint.

    Args:
        entry: Its catalogue entry, with the field `pretrain`.

    >>> recipe_of({"architecture": "tiny-resnet-32", "pretrain": {"objective": "moco", "epochs": 2}}).images
    20000
    """
    return Recipe(architecture=entry["architecture"], **entry["pretrain"])
