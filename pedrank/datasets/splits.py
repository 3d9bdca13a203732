"""A fixed, stratified split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pedrank.errors import InputError


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
