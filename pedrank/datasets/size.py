"""The size of a dataset before it is prepared: from its card, or by listing a user's own images."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.datasets.dataset import SPLITS


def counts(card: Mapping[str, Any]) -> dict[str, int | str]:
    """Number of images of each split; a dataset with features only has 0, and the validation count may be "seeded".

    "seeded" means that a fifth of the training images will be drawn (`pedrank.datasets.listing.take_validation`).

    Raises:
        InputError: A user's own images cannot be listed.

    >>> counts({"counts": {"train": 10, "validation": "seeded", "test": 5}})
    {'train': 10, 'validation': 'seeded', 'test': 5}
    """
    if "counts" in card:
        return dict(card["counts"])
    if "features" in card:
        return dict.fromkeys(SPLITS, 0)
    split = _listing(card).split
    return {name: int(np.sum(split == index)) for index, name in enumerate(SPLITS)}


def classes(card: Mapping[str, Any]) -> int:
    """Number of classes of a dataset with images.

    Raises:
        InputError: A user's own images cannot be listed.

    >>> classes({"classes": ["cat", "dog"]})
    2
    """
    found = card["classes"] if "classes" in card else _listing(card).class_names
    return found if isinstance(found, int) else len(found)


def _listing(card: Mapping[str, Any]) -> Any:
    # By name: `user_data/` imports from this folder.
    images = importlib.import_module("pedrank.user_data.images")
    return images.listing(Path(card["images"]), card["metric"] == "none")
