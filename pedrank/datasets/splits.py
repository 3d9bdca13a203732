"""Fixed, stratified splits, and the names that people give to theirs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from pedrank.datasets.dataset import SPLITS
from pedrank.utils.errors import InputError

SPLIT_NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLIT_NAMES |= dict.fromkeys(("val", "valid", "validation", "dev"), "validation")
_INDEX = {name: index for index, name in enumerate(SPLITS)}
HELD_OUT = 5  # one image in five of a class for validation, and one for the test


def stratified_split(labels: np.ndarray, counts: Mapping[str, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order train, validation, test (those beyond the counts left out), and the split of each.

    Each class is shuffled, and row r of its n (r = 0, 1, …) comes at (r + 1/2) / n of the way: any stretch of the
    order holds every class in its share, give or take one row. Counts are exact.

    Args:
        labels: (N,) integers.
        counts: Rows of each split, in the order of `SPLITS`; they sum to N or less.
        seed: Of the shuffle.

    Returns:
        (sum of counts,) row indices and (sum of counts,) uint8 indices into `SPLITS`.
    """
    wanted = sum(counts.values())
    if wanted > len(labels):
        raise InputError(f"splits of {wanted} rows asked from {len(labels)}; lower the counts")
    random = np.random.RandomState(seed)  # unlike a Generator's, its stream is frozen for good
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        position[random.permutation(members)] = (np.arange(len(members)) + 0.5) / len(members)
    rows = np.argsort(position, kind="stable")[:wanted]
    return rows, np.repeat(np.arange(len(counts), dtype=np.uint8), list(counts.values()))


def split_by_class(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Split (N,) uint8 of rows with integer labels (N,): of each class a fifth for validation, a fifth for the test.

    Both numbers are rounded, and one at least. A class of two has no validation image, and a class of one is trained
    on: every class has a training image.
    """
    random = np.random.RandomState(seed)
    split = np.zeros(len(labels), np.uint8)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        held_out = max(1, round(len(rows) / HELD_OUT))
        if len(rows) > 1:
            split[rows[:held_out]] = _INDEX["test"]
        if len(rows) > 2:
            split[rows[held_out : 2 * held_out]] = _INDEX["validation"]
    return split


def complete(names: Sequence[str] | None, labels: np.ndarray, source: str | os.PathLike) -> np.ndarray:
    """The split (N,) uint8 of rows whose splits have these names (N), or none; `split_by_class` divides what has none.

    Validation images take the place of test images where there are none of these, and if there are training images
    alone, they are divided. Raises InputError for an unknown name, and where nothing is there to train on.
    """
    if names is None:
        return split_by_class(labels)
    unknown = sorted({name for name in names if name.lower() not in SPLIT_NAMES})
    if unknown:
        raise InputError(f"{source}: no split is called '{unknown[0]}'; call them train, validation and test")
    split = np.array([_INDEX[SPLIT_NAMES[name.lower()]] for name in names], np.uint8)
    if not (split == _INDEX["train"]).any():
        raise InputError(f"{source}: no images to train on; call a split train, or leave the splits out")
    if (split == _INDEX["train"]).all():
        return split_by_class(labels)
    if not (split == _INDEX["test"]).any():
        split[split == _INDEX["validation"]] = _INDEX["test"]
    return split
