"""The rows of a dataset that are scored, and their labels, in two modes: `paper` and `as_released`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pedrank.datasets.dataset import Dataset
from pedrank.utils.errors import InputError

MODES = ("paper", "as_released")


def scored_rows(dataset: Dataset, mode: str, splits: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Select the rows to score, and their labels.

    In mode `paper`, the intended one, every image of the splits counts once; an image of several classes (VOC) counts
    once under each class present. In mode `as_released` every image counts as often as the released feature code reads
    it, under its first class; test images of CIFAR and SUN397 are never read. For most datasets the modes agree.

    Args:
        dataset: The dataset, N rows.
        mode: "paper" or "as_released".
        splits: Names of the splits to score.

    Returns:
        Row indices (R,) in the dataset's order, possibly repeated, and labels (R,) int64.

    Raises:
        InputError: No row is left, or the repeats that `as_released` needs are not known.
    """
    if mode == "as_released" and dataset.released is not None and np.all(dataset.released == 1):
        raise InputError(
            f"{dataset.name}: as_released counts an image as often as the training list names it, but the list from "
            "which this dataset was prepared names each once; set `features: {mode: paper}`, or use the list of 2021"
        )
    rows = dataset.rows(*splits)
    labels = dataset.labels[rows]
    if mode == "as_released" and dataset.released is not None:
        times = dataset.released[rows]
        rows, labels = np.repeat(rows, times), np.repeat(labels, times)
    if mode == "paper" and dataset.targets is not None:
        of_row, labels = np.nonzero(dataset.targets[rows] == 1)
        rows = rows[of_row]
    if len(rows) == 0:
        raise InputError(f"{dataset.name}: no rows in the splits {', '.join(splits)} ({mode}); choose other splits")
    return rows, np.asarray(labels, np.int64)
