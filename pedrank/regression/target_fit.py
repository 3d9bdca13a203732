"""How well predictions fit targets: R2 for real numbers, mean average precision for several labels."""

from __future__ import annotations

import numpy as np


def r_squared(targets: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the targets' variance that predictions explain, as a mean over the columns.

    Args:
        targets: (N, K) real numbers, no column constant.
        predicted: (N, K).

    Returns:
        1 minus the squared error, divided by that of the mean target: 1 is perfect, 0 as good as the mean, below 0
        worse.

    >>> r_squared(np.array([[1.0], [2], [3]]), np.array([[1.0], [2], [2]]))
    0.5
    """
    errors = np.square(targets - predicted).sum(axis=0)
    return float((1 - errors / np.square(targets - targets.mean(axis=0)).sum(axis=0)).mean())


def mean_average_precision(labels: np.ndarray, outputs: np.ndarray) -> float:
    """Average precision of each label, as a mean over the labels.

    The average precision is the sum over thresholds of the precision times the growth of the recall; samples with the
    same output share a threshold.

    Args:
        labels: (N, K) 0 and 1; every label occurs.
        outputs: (N, K), larger where a label is more likely.

    Returns:
        In (0, 1].

    >>> round(mean_average_precision(np.array([[1], [0], [1]]), np.array([[0.9], [0.8], [0.1]])), 4)  # (1 + 2/3) / 2
    0.8333
    """
    return float(np.mean([_average_precision(*each) for each in zip(labels.T, outputs.T, strict=True)]))


def _average_precision(present: np.ndarray, outputs: np.ndarray) -> float:
    order = np.argsort(-outputs, kind="stable")
    found = np.cumsum(present[order])
    last = np.append(np.diff(outputs[order]) != 0, True)  # of the samples that share a threshold
    precision, recall = found[last] / (np.flatnonzero(last) + 1), found[last] / found[-1]
    return float(precision @ np.diff(recall, prepend=0))
