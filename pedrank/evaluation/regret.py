"""What trusting a ranking costs: the accuracy of the checkpoints at its top.

Scores that tie leave their order open; every quantity is then its mean over all orders of the tied ones. A constant
score is thus the same as choosing at random.
"""

from __future__ import annotations

from math import comb

import numpy as np

TOP = (1, 3)


def best_of_top(scores: np.ndarray, accuracies: np.ndarray, k: int) -> float:
    """Expected best accuracy (percent) among the k models of the highest scores; all of them where there are fewer.

    Of t models that tie at the edge of the top, q still fit in: the j-th best of them is the best that is taken with
    probability C(t - j, q - 1) / C(t, q).
    """
    k = min(k, len(scores))
    edge = np.sort(scores)[-k]
    inside = accuracies[scores > edge]
    tied = np.sort(accuracies[scores == edge])[::-1]
    t, q = len(tied), k - len(inside)
    chances = [comb(t - j, q - 1) / comb(t, q) for j in range(1, t - q + 2)]
    sure = inside.max(initial=-np.inf)
    return float(np.dot(chances, np.maximum(tied[: t - q + 1], sure)))


def regret(scores: np.ndarray, accuracies: np.ndarray, k: int) -> float:
    """Percentage points lost by fine-tuning the k models ranked highest, and keeping the best, instead of all."""
    return float(accuracies.max()) - best_of_top(scores, accuracies, k)


def relative_accuracy(scores: np.ndarray, accuracies: np.ndarray, k: int) -> float:
    """Best accuracy among the k models ranked highest over the best of all; NaN where every accuracy is 0."""
    best = float(accuracies.max())
    return best_of_top(scores, accuracies, k) / best if best > 0 else float("nan")


def probability_of_best(scores: np.ndarray, reseeded: np.ndarray) -> float:
    """Chance that the model ranked first is the most accurate one.

    Args:
        scores: (n,).
        reseeded: Accuracies (R, n) under seeds redrawn: which model is best is itself not quite certain.
    """
    first = (scores == scores.max()) / (scores == scores.max()).sum()
    best = np.bincount(reseeded.argmax(axis=1), minlength=len(scores)) / len(reseeded)
    return float(first @ best)
