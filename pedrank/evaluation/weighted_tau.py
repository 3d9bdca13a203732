"""The weighted Kendall tau (Vigna 2015, as scipy.stats.weightedtau), for many draws at once.

For the scores P and the accuracies G of n models, with sums over all pairs i < j:

    tau_w = (tau(P, G) + tau(G, P)) / 2
    tau(first, second) = sum w_ij p_ij g_ij / sqrt(sum w_ij p_ij^2  sum w_ij g_ij^2)
    p_ij = sign(P_i - P_j)    g_ij = sign(G_i - G_j)    w_ij = 1 / (r_i + 1) + 1 / (r_j + 1)

r_i is the rank of model i from the top, starting at 0, by `first`; `second` decides ties. tau_w is NaN where all values
of P or of G are equal.

A pair's weight is a sum of one weight per model. Every sum above is therefore a sum over models: 1 / (r_i + 1) times
the sum over the pairs of model i.

`weighted_taus` is the general function, and the other two give the same values:

- `taus_of_orders` exists for speed: draws without ties, such as permutations, take two matrix products.
- `taus_of_models` exists for multiplicities: a bootstrap resample holds copies of models.
"""

from __future__ import annotations

import numpy as np

_PAIRS_AT_ONCE = 2**22  # of models, over all draws: 2 x 16 MiB in taus_of_orders


def weighted_taus(scores: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """tau_w of each row of scores with the same row of accuracies: the general function, ties included.

    Args:
        scores: (B, n), or (1, n) for the same scores in every row.
        accuracies: (B, n), or (1, n) for the same accuracies in every row.

    Returns:
        (B,); NaN where a row is constant.

    >>> weighted_taus(np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]), np.array([[9.0, 8.0, 7.0]]))
    array([ 1., -1., nan])
    """
    scores, accuracies = (np.ascontiguousarray(rows.T) for rows in np.broadcast_arrays(scores, accuracies))
    concordance, untied_scores, untied_accuracies, rank_by_score, rank_by_accuracy = np.zeros(
        (5, *scores.shape), np.int16
    )
    for i in range(len(scores) - 1):  # model i with every later model, in all B rows at once
        later = slice(i + 1, None)
        by_score, by_accuracy = (_signs(values[i], values[later]) for values in (scores, accuracies))
        for sums, pairs in (
            (concordance, by_score * by_accuracy),
            (untied_scores, np.abs(by_score)),
            (untied_accuracies, np.abs(by_accuracy)),
        ):
            sums[i] += pairs.sum(axis=0, dtype=np.int16)
            sums[later] += pairs
        for rank, ahead in (
            (rank_by_score, 2 * by_score + by_accuracy),
            (rank_by_accuracy, 2 * by_accuracy + by_score),
        ):
            rank[i] += (ahead < 0).sum(axis=0, dtype=np.int16)
            rank[later] += ahead >= 0  # models that tie in both are interchangeable
    total = np.zeros(scores.shape[1])
    for rank in (rank_by_score, rank_by_accuracy):
        weight = 1 / (rank + 1)
        pairs = (weight * untied_scores).sum(axis=0) * (weight * untied_accuracies).sum(axis=0)
        with np.errstate(invalid="ignore"):
            total += (weight * concordance).sum(axis=0) / np.sqrt(pairs)
    return total / 2


def taus_of_orders(scores: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """tau_w of every method with every draw of accuracies; exists for speed, where there are no ties.

    Without ties it takes two matrix products over the pairs of models. A method with ties, or draws with ties, go
    through `weighted_taus`.

    Args:
        scores: (M, n), one row per method.
        accuracies: (B, n), one row per draw.

    Returns:
        (M, B).

    >>> taus_of_orders(np.array([[3.0, 2.0, 1.0]]), np.array([[9.0, 8.0, 7.0], [7.0, 8.0, 9.0]]))
    array([[ 1., -1.]])
    """
    n = scores.shape[1]
    taus = np.empty((len(scores), len(accuracies)))
    at_once = max(_PAIRS_AT_ONCE // (n * n), 1)
    if len(accuracies) > at_once:
        for start in range(0, len(accuracies), at_once):
            draws = slice(start, start + at_once)
            taus[:, draws] = taus_of_orders(scores, accuracies[draws])
        return taus
    distinct = np.array([len(np.unique(row)) == n for row in scores], dtype=bool)
    ordered = np.sort(accuracies, axis=1)
    distinct &= not (ordered[:, 1:] == ordered[:, :-1]).any()
    for row in np.flatnonzero(~distinct):
        taus[row] = weighted_taus(scores[row][None], accuracies)
    i, j = np.triu_indices(n, 1)

    def pairs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sign and weighted sign of every pair of models, one row for each row of values."""
        sign = _signs(values[:, i], values[:, j]).astype(float)
        weight = 1 / (1 + np.argsort(np.argsort(-values, axis=1), axis=1))
        return sign, sign * (weight[:, i] + weight[:, j])

    if distinct.any():
        (sign, weighted), (sign_of_draws, weighted_of_draws) = pairs(scores[distinct]), pairs(accuracies)
        total = (n - 1) * (1 / np.arange(1, n + 1)).sum()  # sum of the weights of all pairs
        taus[distinct] = (weighted @ sign_of_draws.T + sign @ weighted_of_draws.T) / (2 * total)
    return np.clip(taus, -1, 1)  # rounding


def taus_of_models(scores: np.ndarray, accuracies: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """tau_w of resampled models; exists because a bootstrap resample may hold a model several times.

    Copies of a model take consecutive ranks.

    Args:
        scores: (n,).
        accuracies: (n,).
        counts: (B, n) integers: draw b holds model i `counts[b, i]` times, 0 to leave it out.

    Returns:
        (B,); NaN where all models of a draw tie.

    >>> taus_of_models(np.array([3.0, 2.0, 1.0]), np.array([9.0, 7.0, 8.0]), np.array([[1, 1, 1], [1, 2, 0]]))
    array([0.54545455, 1.        ])
    """
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, counts.sum(axis=1).max(initial=0) + 1))])
    by_score, by_accuracy = (_signs(values[:, None], values) for values in (scores, accuracies))
    times = counts.astype(float)
    pairs = np.hstack([by_score * by_accuracy, np.abs(by_score), np.abs(by_accuracy)]).astype(float)
    sums = np.split(times @ pairs, 3, axis=1)
    total = np.zeros(len(counts))
    for first, second in ((scores, accuracies), (accuracies, scores)):
        best_first = np.lexsort((second, first))[::-1]
        copies = counts[:, best_first]
        last = copies.cumsum(axis=1)
        weight = np.empty_like(times)
        weight[:, best_first] = harmonic[last] - harmonic[last - copies]
        concordance, untied_scores, untied_accuracies = (np.einsum("bn,bn->b", weight, each) for each in sums)
        with np.errstate(invalid="ignore"):
            total += concordance / np.sqrt(untied_scores * untied_accuracies)
    return np.clip(total / 2, -1, 1)  # rounding


def _signs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Signs of left - right, from comparisons: the differences themselves could overflow."""
    return (left > right).view(np.int8) - (left < right).view(np.int8)
