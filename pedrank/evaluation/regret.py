"""Regret: the accuracy lost by fine-tuning only the checkpoints at the top of a ranking.

Where scores tie, every quantity is its mean over all orders of the tied models. A constant score therefore equals a
random choice.
"""

from __future__ import annotations

from math import comb

import numpy as np

TOP = (1, 2, 3)  # numbers of models k that the tables report


def best_of_top(scores: np.ndarray, accuracies: np.ndarray, k: int) -> float:
    """Expected best accuracy among the k models with the highest scores.

    Suppose t models tie at the edge of the top and q of them still fit in. The j-th best of the t is then the best one
    taken with probability C(t - j, q - 1) / C(t, q).

    Args:
        scores: (n,), higher = better.
        accuracies: (n,), percent.
        k: Number of models taken; all n where n is smaller.

    Returns:
        An accuracy in percent.

    >>> best_of_top(np.array([3, 2, 1]), np.array([80.0, 90.0, 70.0]), k=1)
    80.0
    >>> best_of_top(np.array([1, 1, 1]), np.array([80.0, 90.0, 70.0]), k=1)  # ties: the mean
    80.0
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
    """Percentage points lost by fine-tuning only the k models ranked highest instead of all models.

    Args:
        scores: (n,), higher = better.
        accuracies: (n,), percent.
        k: Number of models that are fine-tuned; the most accurate of them is kept.

    Returns:
        The best accuracy of all models minus `best_of_top`; at least 0.

    >>> regret(np.array([3, 2, 1]), np.array([80.0, 90.0, 70.0]), k=1)
    10.0
    """
    return float(accuracies.max()) - best_of_top(scores, accuracies, k)


def relative_accuracy(scores: np.ndarray, accuracies: np.ndarray, k: int) -> float:
    """`best_of_top` divided by the best accuracy of all models.

    Args:
        scores: (n,), higher = better.
        accuracies: (n,), percent.
        k: Number of models that are fine-tuned.

    Returns:
        A share in [0, 1]; NaN where every accuracy is 0.
    """
    best = float(accuracies.max())
    return best_of_top(scores, accuracies, k) / best if best > 0 else float("nan")


def probability_of_best(scores: np.ndarray, reseeded: np.ndarray) -> float:
    """Probability that the model ranked first is the most accurate one.

    Args:
        scores: (n,), higher = better.
        reseeded: (R, n) accuracies simulated under other seeds, because the best model is itself uncertain.

    Returns:
        A probability in [0, 1].

    >>> probability_of_best(np.array([2.0, 1.0]), np.array([[90.0, 80.0], [79.0, 80.0]]))
    0.5
    """
    first = (scores == scores.max()) / (scores == scores.max()).sum()
    best = np.bincount(reseeded.argmax(axis=1), minlength=len(scores)) / len(reseeded)
    return float(first @ best)
