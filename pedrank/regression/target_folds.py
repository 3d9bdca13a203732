"""Folds and halves of samples whose targets are real numbers or several labels, evenly spread over the targets."""

from __future__ import annotations

import numpy as np


def target_order(targets: np.ndarray, seed: int = 0) -> np.ndarray:
    """Put samples in an order in which neighbours have similar targets, whatever the order of the rows.

    One column is sorted. Several columns, each divided by its standard deviation, are projected on a random direction;
    0/1 columns are sorted by the rarest label of each sample first.

    Args:
        targets: (N, K) real numbers, no column constant.
        seed: Seed of the direction.

    Returns:
        Row numbers (N,). Rows with equal targets keep their order.

    >>> target_order(np.array([[3.0], [1.0], [2.0]]))
    array([1, 2, 0])
    """
    if targets.shape[1] == 1:
        return np.argsort(targets[:, 0], kind="stable")
    place = (targets / targets.std(axis=0)) @ np.random.default_rng(seed).normal(size=targets.shape[1])
    if not np.isin(targets, (0, 1)).all():
        return np.argsort(place, kind="stable")
    counts = targets.sum(axis=0)
    rarest = np.where(targets == 1, counts, np.inf).argmin(axis=1)
    return np.lexsort((place, np.where(targets.any(axis=1), rarest, targets.shape[1])))


def target_folds(targets: np.ndarray, folds: int, seed: int = 0) -> np.ndarray:
    """Fold (N,) of each sample: samples in `target_order` are dealt out like cards.

    Args:
        targets: (N, K).
        folds: Number of folds, at most N.
        seed: Seed of the order.

    >>> target_folds(np.array([[3.0], [1.0], [2.0]]), 2)
    array([0, 0, 1])
    """
    dealt = np.empty(len(targets), dtype=np.intp)
    dealt[target_order(targets, seed)] = np.arange(len(targets)) % folds
    return dealt


def target_halves(targets: np.ndarray, number: int, largest: int, seed: int = 0) -> list[np.ndarray]:
    """Draw random halves: one sample of each pair of neighbours in `target_order`.

    Args:
        targets: (N, K).
        number: Number of halves.
        largest: Rows of a half; where half of all samples are more, neighbours form larger groups.
        seed: Seed of the draws.

    Returns:
        Sorted row numbers of each half.

    >>> [len(rows) for rows in target_halves(np.arange(7.0)[:, None], number=2, largest=100)]
    [4, 4]
    """
    order, random = target_order(targets), np.random.default_rng(seed)
    groups = min((len(order) + 1) // 2, largest)
    edges = np.arange(groups + 1) * len(order) // groups
    draws = random.random((number, groups))  # of each group, one sample
    return [np.sort(order[edges[:-1] + (draw * np.diff(edges)).astype(int)]) for draw in draws]
