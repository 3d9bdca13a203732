"""Does the verdict depend on which models happen to be compared?

In the spirit of "How stable are transferability metrics evaluations?" (Agostinelli et al., ECCV 2022): leave one model
out, or draw random subsets, and see whether the values stay and whether the same method comes out best.
"""

from __future__ import annotations

import math

import numpy as np

SUBSETS = 1_000
SHARE = 2 / 3  # of the models are in a subset
FEWEST = 3  # models in a subset


def leave_one_out(n: int) -> np.ndarray:
    """Counts (n, n): each row leaves one model out."""
    return 1 - np.eye(n, dtype=np.int64)


def subsets(n: int, seed: int) -> np.ndarray:
    """Counts (S, n) of random subsets of two thirds of n models; none for fewer than four models."""
    size = max(FEWEST, round(SHARE * n))
    if size >= n:
        return np.zeros((0, n), dtype=np.int64)
    ranks = np.random.default_rng(seed).random((SUBSETS, n)).argsort(axis=1)
    return (ranks < size).astype(np.int64)


def spread(taus: np.ndarray) -> float:
    """Standard deviation over the draws that are defined."""
    defined = taus[np.isfinite(taus)]
    return float(defined.std()) if len(defined) else math.nan


def wins(taus: np.ndarray) -> np.ndarray:
    """Share of draws in which each method has the highest tau_w, (M, S) to (M,); methods that tie share the win.

    NaN for all where there are no draws.
    """
    if not taus.shape[1]:
        return np.full(len(taus), np.nan)
    defined = np.where(np.isfinite(taus), taus, -np.inf)
    best = np.isfinite(taus) & (defined >= defined.max(axis=0) - 1e-12)
    return (best / np.maximum(best.sum(axis=0), 1)).mean(axis=1)
