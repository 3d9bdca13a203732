"""Permutation tests against chance, and Holm's correction for several tests."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np

from pedrank.evaluation.weighted_tau import weighted_taus

PERMUTATIONS = 10_000  # random orders, where not all are tried
EXACT_UP_TO = 8  # checkpoints with all orders tried; 8! = 40,320
SWAPS_EXACT_UP_TO = 12  # checkpoints with all patterns tried; 2^12 = 4,096
TOLERANCE = 1e-12  # values that differ by less count as equal: the difference is rounding


def orders(n: int, seed: int) -> np.ndarray:
    """Orders of n models: all n! for up to 8 models, else 10,000 of which all but the first are random.

    Args:
        n: Number of models.
        seed: Seed of the random orders.

    Returns:
        (P, n) integers; the first row is the identity.

    >>> orders(3, seed=0)[:2]
    array([[0, 1, 2],
           [0, 2, 1]])
    """
    if n <= EXACT_UP_TO:
        return np.array(list(permutations(range(n))))
    rows = np.tile(np.arange(n), (PERMUTATIONS, 1))
    np.random.default_rng(seed).permuted(rows[1:], axis=1, out=rows[1:])
    return rows


def p_of_tau(permuted: np.ndarray) -> float:
    """One-sided p-value of tau_w: the share of orders with tau_w at least as high as the observed one.

    Args:
        permuted: (P,), tau_w under each order; the first is the observed one.

    Returns:
        A share in (0, 1]; NaN where the observed tau_w is NaN.

    >>> p_of_tau(np.array([0.5, 0.7, 0.1, 0.5]))
    0.75
    """
    if math.isnan(permuted[0]):
        return math.nan
    return float(np.mean(permuted >= permuted[0] - TOLERANCE))


def swaps(n: int, seed: int) -> np.ndarray:
    """Patterns of models whose two ranks are swapped: all 2^n for up to 12 models, else 2^12 random ones.

    Args:
        n: Number of models.
        seed: Seed of the random patterns.

    Returns:
        (S, n) booleans. The first row swaps no model; row -1 - s is the complement of row s.

    >>> swaps(2, seed=0).astype(int).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    if n <= SWAPS_EXACT_UP_TO:
        return np.array(list(product([False, True], repeat=n)))
    half = np.random.default_rng(seed).random((2 ** (SWAPS_EXACT_UP_TO - 1), n)) < 0.5
    half[0] = False
    return np.concatenate([half, ~half[::-1]])


def swapped_differences(
    base: np.ndarray, refined: np.ndarray, accuracies: np.ndarray, patterns: np.ndarray
) -> np.ndarray:
    """tau_w of the refined scores minus tau_w of the base scores, under each pattern of `swaps`.

    If a refinement has no effect, the two ranks of a model are exchangeable. Ranks are swapped instead of scores,
    because refined scores have another scale. (This is PERM-BOTH of Deutsch et al. 2021, TACL 9, which swaps
    standardised scores.)

    Args:
        base: (n,) scores without the refinement.
        refined: (n,) scores with it.
        accuracies: (n,).
        patterns: (S, n) booleans from `swaps`.

    Returns:
        (S,); the first is the observed difference.
    """
    from scipy.stats import rankdata

    of_base, of_refined = rankdata(base), rankdata(refined)
    taus = weighted_taus(np.where(patterns, of_base, of_refined), accuracies[None])
    return taus - taus[::-1]


def p_of_difference(swapped: np.ndarray) -> float:
    """Two-sided p-value: the share of patterns with a difference at least as large as the observed one.

    Args:
        swapped: (S,) from `swapped_differences`; the first is the observed difference.

    Returns:
        A share in (0, 1]; NaN where the observed difference is NaN.
    """
    if math.isnan(swapped[0]):
        return math.nan
    return float(np.nanmean(np.abs(swapped) >= abs(swapped[0]) - TOLERANCE))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's (1979) adjusted p-values of one family of tests.

    Rejecting all adjusted values below alpha makes any false rejection in the family at most alpha likely.

    Args:
        p_values: (T,); NaN stays NaN and does not count as a test.

    Returns:
        (T,), each at least its p-value and at most 1.

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    smallest_first = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(tested), 0, -1)
    adjusted[smallest_first] = np.minimum(np.maximum.accumulate(p_values[smallest_first] * factors), 1)
    return adjusted
