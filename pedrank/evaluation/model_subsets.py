"""Stability of the verdict under other sets of models.

As in "How stable are transferability metrics evaluations?" (Agostinelli et al., ECCV 2022): leave one model out, or
draw random subsets, and test whether tau_w and the best method stay the same.
"""

from __future__ import annotations

import math

import numpy as np

SUBSETS = 1_000  # random subsets drawn
SHARE = 2 / 3  # share of the models in a subset
FEWEST = 3  # models in a subset, at least


def leave_one_out(n: int) -> np.ndarray:
    """Counts (n, n): each row leaves one model out.

    >>> leave_one_out(3)
    array([[0, 1, 1],
           [1, 0, 1],
           [1, 1, 0]])
    """
    return 1 - np.eye(n, dtype=np.int64)


def subsets(n: int, seed: int) -> np.ndarray:
    """Random subsets of two thirds of n models.

    Args:
        n: Number of models.
        seed: Seed of the draws.

    Returns:
        (S, n) integers, 1 for the models of a subset; S = 0 for fewer than four models.

    >>> subsets(6, seed=0).sum(axis=1)[:3]
    array([4, 4, 4])
    """
    size = max(FEWEST, round(SHARE * n))
    if size >= n:
        return np.zeros((0, n), dtype=np.int64)
    ranks = np.random.default_rng(seed).random((SUBSETS, n)).argsort(axis=1)
    return (ranks < size).astype(np.int64)


def spread(taus: np.ndarray) -> float:
    """Standard deviation over the draws that are not NaN; NaN where all are."""
    defined = taus[np.isfinite(taus)]
    return float(defined.std()) if len(defined) else math.nan


def wins(taus: np.ndarray) -> np.ndarray:
    """Share of draws in which each method has the highest tau_w; methods that tie share the win.

    Args:
        taus: (M, S), one row per method and one column per draw; NaN never wins.

    Returns:
        (M,); NaN where there are no draws.

    >>> wins(np.array([[0.9, 0.5], [0.1, 0.5]]))
    array([0.75, 0.25])
    """
    if not taus.shape[1]:
        return np.full(len(taus), np.nan)
    defined = np.where(np.isfinite(taus), taus, -np.inf)
    best = np.isfinite(taus) & (defined >= defined.max(axis=0) - 1e-12)
    return (best / np.maximum(best.sum(axis=0), 1)).mean(axis=1)
