"""How large a dataset is, before it is prepared: from its card, or from a look at a user's own images."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.datasets.dataset import SPLITS


def counts(card: Mapping[str, Any]) -> dict[str, int | str]:
    """Images of each split, validation also "seeded"; none where there are features alone. InputError as `listing`."""
    if "counts" in card:
        return dict(card["counts"])
    if "features" in card:
        return dict.fromkeys(SPLITS, 0)
    split = _listing(card).split
    return {name: int(np.sum(split == index)) for index, name in enumerate(SPLITS)}


def classes(card: Mapping[str, Any]) -> int:
    """Number of classes of a dataset with images."""
    found = card["classes"] if "classes" in card else _listing(card).class_names
    return found if isinstance(found, int) else len(found)


def _listing(card: Mapping[str, Any]) -> Any:
    # By its name: `user_data/` stands above this folder.
    images = importlib.import_module("pedrank.user_data.images")
    return images.listing(Path(card["images"]), card["metric"] == "none")
