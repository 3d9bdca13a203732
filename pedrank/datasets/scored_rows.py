"""Which rows of a dataset are scored, under which labels: `paper`, the intended ones, or `as_released`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pedrank.datasets.dataset import Dataset
from pedrank.utils.errors import InputError

MODES = ("paper", "as_released")


def scored_rows(dataset: Dataset, mode: str, splits: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Rows (R,) of `dataset`, in its order, and their labels (R,).

    paper: every image of the splits once; one of several classes (VOC) once under each class that is there.
    as_released: every image as often as the released feature code reads it, which is not at all for CIFAR's test
    images, and under its first class. Where neither differs the modes are the same.

    Raises InputError when no row is left.
    """
    rows = dataset.rows(*splits)
    labels = dataset.labels[rows]
    if mode == "as_released" and dataset.released is not None:
        times = dataset.released[rows]
        rows, labels = np.repeat(rows, times), np.repeat(labels, times)
    if mode == "paper" and dataset.targets is not None:
        of_row, labels = np.nonzero(dataset.targets[rows] == 1)
        rows = rows[of_row]
    if len(rows) == 0:
        raise InputError(f"{dataset.name}: no rows in the splits {', '.join(splits)} ({mode}); choose others")
    return rows, np.asarray(labels, np.int64)
