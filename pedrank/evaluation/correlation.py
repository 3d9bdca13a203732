"""Correlations between scores and accuracies."""

from __future__ import annotations

import numpy as np

from pedrank.utils.errors import InputError


def weighted_tau(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Weighted Kendall tau of two vectors (n,): what the released code reports and the literature calls tau_w.

    Vigna (2015), as scipy.stats.weightedtau: a pair counts with weight 1/(r_i + 1) + 1/(r_j + 1) where r is the rank
    from the top (0-based); ranks are taken once by (scores, accuracies) and once by (accuracies, scores), and the two
    values averaged, so the order of the arguments does not matter. Ties in either vector count as in tau-b.

    Raises InputError for fewer than two models, NaN or infinity (scipy ranks a NaN silently), and constant vectors, for
    which it is undefined.
    """
    scores, accuracies = _checked(scores, accuracies)
    for values, name in ((scores, "scores"), (accuracies, "accuracies")):
        if (values == values[0]).all():
            raise InputError(f"weighted tau: all {len(values)} {name} tie at {values[0]:g}, so it is undefined")
    by_scores = _weighted_tau(scores, accuracies, np.lexsort((accuracies, scores)))
    by_accuracies = _weighted_tau(scores, accuracies, np.lexsort((scores, accuracies)))
    return (by_scores + by_accuracies) / 2


def kendall_tau(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Eq. 1 as printed: the mean over all pairs i < j of sign(G_i - G_j) sign(P_i - P_j), which is Kendall's tau-a.

    The paper calls it the weighted tau, but no weight stands in it. A tied pair counts zero. Raises InputError for
    fewer than two models and for NaN or infinity.
    """
    scores, accuracies = _checked(scores, accuracies)
    n = len(scores)
    return float((_signs(scores) * _signs(accuracies)).sum() / (n * (n - 1)))


def pearson(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Pearson's correlation of two vectors (n,), NaN where one is constant; the other errors are those of Eq. 1.

    It depends on the scale of the scores: a metric and its logarithm differ.
    """
    scores, accuracies = _checked(scores, accuracies)
    if np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
        return float("nan")
    # Scaled first: squares could overflow, or vanish.
    scaled = [values / np.abs(values).max() for values in (scores, accuracies)]
    one, other = (values / np.linalg.norm(values) for values in (each - each.mean() for each in scaled))
    return float(np.clip(one @ other, -1, 1))


def spearman(scores: np.ndarray, accuracies: np.ndarray) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, ties sharing the mean of theirs."""
    from scipy.stats import rankdata

    scores, accuracies = _checked(scores, accuracies)
    return pearson(rankdata(scores), rankdata(accuracies))


def _checked(scores: np.ndarray, accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, accuracies = np.asarray(scores, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != accuracies.shape:
        raise InputError(
            f"rank correlation: {scores.shape} scores but {accuracies.shape} accuracies; need one per model"
        )
    if len(scores) < 2:
        raise InputError("rank correlation: needs at least two models")
    for values, name in ((scores, "score"), (accuracies, "accuracy")):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(
                f"rank correlation: {name} of model {bad[0]} is {values[bad[0]]}; leave the model out or fix it"
            )
    return scores, accuracies


def _signs(values: np.ndarray) -> np.ndarray:
    """(n, n) signs of all differences; signs and not differences, so that nothing overflows."""
    return (values[:, None] > values).astype(np.int8) - (values[:, None] < values)


def _weighted_tau(scores: np.ndarray, accuracies: np.ndarray, ascending: np.ndarray) -> float:
    rank = np.empty(len(scores))
    rank[ascending[::-1]] = np.arange(len(scores))
    weights = np.add.outer(1 / (rank + 1), 1 / (rank + 1))
    concordance = _signs(scores) * _signs(accuracies)
    pairs = [(weights * (_signs(values) != 0)).sum() for values in (scores, accuracies)]
    return float((weights * concordance).sum() / np.sqrt(pairs[0] * pairs[1]))
