"""Fixed, stratified splits, and the names that people give to splits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from pedrank.datasets.dataset import SPLITS
from pedrank.utils.errors import InputError

SPLIT_NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLIT_NAMES |= dict.fromkeys(("val", "valid", "validation", "dev"), "validation")
_INDEX = {name: index for index, name in enumerate(SPLITS)}
HELD_OUT = 5  # of each class, one image in five is for validation and one in five for the test


def stratified_split(labels: np.ndarray, counts: Mapping[str, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw stratified splits of exact sizes.

    Each class is shuffled, and row r of its n rows (r = 0, 1, …) is placed at (r + 1/2) / n of the way. So any stretch
    of the order holds every class in proportion, give or take one row.

    Args:
        labels: (N,) integers.
        counts: Rows of each split, in the order of `SPLITS`; they sum to N or less.
        seed: Seed of the shuffle.

    Returns:
        Row indices (sum of counts,) in the order train, validation, test, and their splits (sum of counts,) uint8, as
        indices into `SPLITS`. Surplus rows are left out.

    Raises:
        InputError: The counts sum to more than N.

    >>> rows, split = stratified_split(np.array([0, 0, 0, 1, 1, 1]), {"train": 2, "validation": 2, "test": 2}, seed=0)
    >>> split
    array([0, 0, 1, 1, 2, 2], dtype=uint8)
    """
    wanted = sum(counts.values())
    if wanted > len(labels):
        raise InputError(f"splits of {wanted} rows need more than the {len(labels)} rows; lower the counts")
    random = np.random.RandomState(seed)  # its stream is frozen for good, unlike a Generator's
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        position[random.permutation(members)] = (np.arange(len(members)) + 0.5) / len(members)
    rows = np.argsort(position, kind="stable")[:wanted]
    return rows, np.repeat(np.arange(len(counts), dtype=np.uint8), list(counts.values()))


def split_by_class(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Split each class: a fifth for validation, a fifth for the test, the rest for training.

    Both fifths are rounded, and have at least one image. A class of two images has no validation image, and a class of
    one is only trained on, so that every class has a training image.

    Args:
        labels: (N,) integers.
        seed: Seed of the shuffle.

    Returns:
        (N,) uint8, indices into `SPLITS`.

    >>> np.bincount(split_by_class(np.repeat([0, 1], 10))).tolist()
    [12, 4, 4]
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
    """Turn a user's split names into splits, and make the splits that are missing.

    Without names, or with training images only, `split_by_class` splits the rows. If there are validation images and no
    test images, the validation images become the test images.

    Args:
        names: The split's name of each row (N), such as "train", "val" or "Testing"; None without splits.
        labels: (N,) integers, for the stratification.
        source: The file or folder, for messages.

    Returns:
        (N,) uint8, indices into `SPLITS`.

    Raises:
        InputError: A name is unknown, or no row is for training.

    >>> complete(["train", "valid"], np.array([0, 0]), "photos").tolist()
    [0, 2]
    """
    if names is None:
        return split_by_class(labels)
    unknown = sorted({name for name in names if name.lower() not in SPLIT_NAMES})
    if unknown:
        raise InputError(f"{source}: unknown split '{unknown[0]}'; choose train, validation or test")
    split = np.array([_INDEX[SPLIT_NAMES[name.lower()]] for name in names], np.uint8)
    if not (split == _INDEX["train"]).any():
        raise InputError(f"{source}: no images to train on; call one split train, or leave out the splits")
    if (split == _INDEX["train"]).all():
        return split_by_class(labels)
    if not (split == _INDEX["test"]).any():
        split[split == _INDEX["validation"]] = _INDEX["test"]
    return split
