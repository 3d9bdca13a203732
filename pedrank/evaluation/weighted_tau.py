"""The weighted tau of many draws at once: other scores, other accuracies, or other models.

All three give what `pedrank.weighted_tau` gives for each draw, ties included, and NaN where it is undefined. The weight
of a pair is a sum of one weight per model, so that sums over each model's pairs are all that is needed.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np


def weighted_taus(scores: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """tau_w of each row of scores and accuracies, (B, n) or (1, n): (B,), NaN where a row is constant."""
    scores, accuracies = (np.ascontiguousarray(rows.T) for rows in np.broadcast_arrays(scores, accuracies))
    concordance, untied_scores, untied_accuracies, rank_by_score, rank_by_accuracy = np.zeros(
        (5, *scores.shape), np.int16
    )
    for i, j in combinations(range(len(scores)), 2):  # each step works on all B rows
        by_score, by_accuracy = (_signs(values[i], values[j]) for values in (scores, accuracies))
        for sums, pair in (
            (concordance, by_score * by_accuracy),
            (untied_scores, np.abs(by_score)),
            (untied_accuracies, np.abs(by_accuracy)),
        ):
            sums[i] += pair
            sums[j] += pair
        for rank, ahead in (
            (rank_by_score, 2 * by_score + by_accuracy),
            (rank_by_accuracy, 2 * by_accuracy + by_score),
        ):
            rank[i] += ahead < 0
            rank[j] += ahead >= 0  # models that tie in both are alike: either order gives the same sums
    total = np.zeros(scores.shape[1])
    for rank in (rank_by_score, rank_by_accuracy):
        weight = 1 / (rank + 1)
        pairs = (weight * untied_scores).sum(axis=0) * (weight * untied_accuracies).sum(axis=0)
        with np.errstate(invalid="ignore"):
            total += (weight * concordance).sum(axis=0) / np.sqrt(pairs)
    return total / 2


def taus_of_orders(scores: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """tau_w of each method's scores, (M, n), with each draw of accuracies, (B, n): (M, B).

    Where no draw and no method has ties this is two matrix products over the pairs of models; else `weighted_taus`.
    """
    n = scores.shape[1]
    taus = np.empty((len(scores), len(accuracies)))
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
        total = (n - 1) * (1 / np.arange(1, n + 1)).sum()  # the weights of all pairs
        taus[distinct] = (weighted @ sign_of_draws.T + sign @ weighted_of_draws.T) / (2 * total)
    return np.clip(taus, -1, 1)  # rounding


def taus_of_models(scores: np.ndarray, accuracies: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """tau_w of (n,) scores and accuracies when model i comes counts[b, i] times, for each row of counts (B, n): (B,).

    A bootstrap resample is such a row, and so is a subset. Copies of a model take consecutive ranks.
    """
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, counts.sum(axis=1).max(initial=0) + 1))])
    by_score, by_accuracy = (_signs(values[:, None], values) for values in (scores, accuracies))
    times = counts.astype(float)
    sums = [times @ pairs for pairs in (by_score * by_accuracy, np.abs(by_score), np.abs(by_accuracy))]
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
    return (left > right).view(np.int8) - (left < right).view(np.int8)
