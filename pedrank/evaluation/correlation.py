"""Correlations between scores and accuracies."""

from __future__ import annotations

import numpy as np

from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.utils.arrays import as_numpy
from pedrank.utils.errors import InputError


def weighted_tau(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Weighted Kendall tau, called tau_w in the literature; the released code of PED reports it.

    Vigna 2015, as scipy.stats.weightedtau: mistakes among the models at the top weigh more. The formula stands in
    `pedrank.evaluation.weighted_tau`. The order of the arguments does not matter; ties count as in tau-b.

    Args:
        scores: (n,), one score per model; higher = better.
        accuracies: (n,), one accuracy per model.

    Returns:
        A number in [-1, 1].

    Raises:
        InputError: There are fewer than two models, a value is NaN or infinite (scipy ranks NaN silently), or all
            values of a vector are equal, which leaves tau_w undefined.

    >>> round(weighted_tau([0.9, 0.7, 0.8, 0.1], [90.0, 85.0, 80.0, 70.0]), 3)
    0.733
    """
    scores, accuracies = _checked(scores, accuracies)
    for values, name in ((scores, "scores"), (accuracies, "accuracies")):
        if (values == values[0]).all():
            raise InputError(
                f"weighted tau: all {len(values)} {name} are {values[0]:g}, so it is undefined; give values that differ"
            )
    return float(weighted_taus(scores[None], accuracies[None])[0])


def kendall_tau(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Kendall's tau-a: Eq. 1 as printed, the mean over all pairs i < j of sign(G_i - G_j) sign(P_i - P_j).

    The paper calls it the weighted tau, but it contains no weight. A tied pair counts zero.

    Args:
        scores: (n,), P.
        accuracies: (n,), G.

    Returns:
        A number in [-1, 1].

    Raises:
        InputError: There are fewer than two models, or a value is NaN or infinite.

    >>> kendall_tau([1, 2, 3], [10, 30, 20])
    0.3333333333333333
    """
    scores, accuracies = _checked(scores, accuracies)
    n = len(scores)
    return float((_signs(scores) * _signs(accuracies)).sum() / (n * (n - 1)))


def pearson(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Pearson's correlation. A metric and its logarithm give different values.

    Args:
        scores: (n,).
        accuracies: (n,).

    Returns:
        A number in [-1, 1]; NaN where a vector is constant.

    Raises:
        InputError: There are fewer than two models, or a value is NaN or infinite.

    >>> round(pearson([1, 2, 4], [10, 30, 20]), 3)
    0.327
    """
    scores, accuracies = _checked(scores, accuracies)
    if np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
        return float("nan")
    # Scaled first, because squares could overflow or underflow.
    scaled = [values / np.abs(values).max() for values in (scores, accuracies)]
    one, other = (values / np.linalg.norm(values) for values in (each - each.mean() for each in scaled))
    return float(np.clip(one @ other, -1, 1))


def fidelity(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Fidelity: Pearson's correlation of differences in score and in accuracy, over all ordered pairs of models.

    It asks whether a score that is higher by much stands for an accuracy that is higher by much. Each pair enters in
    both orders, so the result does not depend on the order of the models. Both differences then have mean 0, and the
    sum of s_ij a_ij over all pairs is 2 n times that of (s_i - mean s) (a_i - mean a): fidelity equals Pearson's
    correlation of the scores and accuracies themselves.

    Args, Returns and Raises are those of `pearson`.

    >>> round(fidelity([1, 2, 4], [10, 30, 20]), 3)
    0.327
    """
    return pearson(scores, accuracies)


def spearman(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Spearman's rank correlation: Pearson's correlation of the ranks. Tied values share the mean of their ranks.

    Args, Returns and Raises are those of `pearson`.

    >>> spearman([1, 2, 40], [10, 20, 30])
    1.0
    """
    from scipy.stats import rankdata

    scores, accuracies = _checked(scores, accuracies)
    return pearson(rankdata(scores), rankdata(accuracies))


def _checked(scores: np.ndarray, accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, accuracies = (np.asarray(as_numpy(each), dtype=np.float64) for each in (scores, accuracies))
    if scores.ndim != 1 or scores.shape != accuracies.shape:
        raise InputError(
            f"rank correlation: scores of shape {scores.shape} but accuracies of shape {accuracies.shape}; give "
            "vectors with one value per model"
        )
    if len(scores) < 2:
        raise InputError("rank correlation: fewer than two models; give at least two")
    for values, name in ((scores, "score"), (accuracies, "accuracy")):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(
                f"rank correlation: {name} of model {bad[0]} is {values[bad[0]]}; correct it or leave out the model"
            )
    return scores, accuracies


def _signs(values: np.ndarray) -> np.ndarray:
    """(n, n) signs of all differences, from comparisons: the differences themselves could overflow."""
    return (values[:, None] > values).astype(np.int8) - (values[:, None] < values)
