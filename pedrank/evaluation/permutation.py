"""What chance alone would do: permutation tests, and Holm's correction for several of them."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np

from pedrank.evaluation.weighted_tau import weighted_taus

PERMUTATIONS = 10_000
EXACT_UP_TO = 8  # checkpoints; 8! = 40,320 orders
SWAPS_EXACT_UP_TO = 12  # checkpoints; 2^12 = 4,096 patterns
TOLERANCE = 1e-12  # values that differ by rounding alone are equal


def orders(n: int, seed: int) -> np.ndarray:
    """Orders of n models, (P, n): all n! for few models, else random ones; the identity comes first."""
    if n <= EXACT_UP_TO:
        return np.array(list(permutations(range(n))))
    rows = np.tile(np.arange(n), (PERMUTATIONS, 1))
    np.random.default_rng(seed).permuted(rows[1:], axis=1, out=rows[1:])
    return rows


def p_of_tau(permuted: np.ndarray) -> float:
    """One-sided: the share of orders with tau_w at least as high as the first, the observed one; NaN if undefined."""
    if math.isnan(permuted[0]):
        return math.nan
    return float(np.mean(permuted >= permuted[0] - TOLERANCE))


def swaps(n: int, seed: int) -> np.ndarray:
    """Patterns (S, n) of models whose two ranks are swapped: all 2^n for few models, else random ones; none first.

    Row -1 - s is the complement of row s.
    """
    if n <= SWAPS_EXACT_UP_TO:
        return np.array(list(product([False, True], repeat=n)))
    half = np.random.default_rng(seed).random((2 ** (SWAPS_EXACT_UP_TO - 1), n)) < 0.5
    half[0] = False
    return np.concatenate([half, ~half[::-1]])


def swapped_differences(
    base: np.ndarray, refined: np.ndarray, accuracies: np.ndarray, patterns: np.ndarray
) -> np.ndarray:
    """tau_w of the refined scores less that of the base, under each pattern of `swaps`: (S,).

    If a refinement does nothing, either of a model's two ranks might as well have been the other's. Ranks and not
    scores are swapped, since refined scores have another scale (PERM-BOTH of Deutsch et al. 2021, TACL 9, whose
    standard scores stand where ranks do here).
    """
    from scipy.stats import rankdata

    of_base, of_refined = rankdata(base), rankdata(refined)
    taus = weighted_taus(np.where(patterns, of_base, of_refined), accuracies[None])
    return taus - taus[::-1]


def p_of_difference(swapped: np.ndarray) -> float:
    """Two-sided: the share of patterns with a difference at least as large as the first, the observed one."""
    if math.isnan(swapped[0]):
        return math.nan
    return float(np.nanmean(np.abs(swapped) >= abs(swapped[0]) - TOLERANCE))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's (1979) adjusted p-values of one family: below alpha with a chance of any false alarm of at most alpha.

    NaN stays NaN and does not count.
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    smallest_first = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(tested), 0, -1)
    adjusted[smallest_first] = np.minimum(np.maximum.accumulate(p_values[smallest_first] * factors), 1)
    return adjusted
