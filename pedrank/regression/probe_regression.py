"""Linear probe for targets that are no classes: cross-validated ridge regression."""

from __future__ import annotations

import numpy as np

from pedrank.metrics.linear_probe import PENALTIES
from pedrank.regression.decomposed import decomposed
from pedrank.regression.target_folds import target_folds
from pedrank.regression.targets import checked_rows
from pedrank.utils.errors import InputError


def probe_outputs(features: np.ndarray, targets: np.ndarray, folds: int = 5, seed: int = 0) -> np.ndarray:
    """Predictions of ridge regression with an intercept, trained on the other folds.

    As `pedrank.metrics.linear_probe`, with targets in place of one-hot labels: each training set chooses a penalty for
    each target among the same nine, by the squared error when each of its samples is left out (Allen 1974):

        H = X (X^T X + t I)^-1 X^T + 1/n,    error of sample i left out:  (y - H y)_i / (1 - H_ii).

    The largest of equally good penalties is taken. The folds are spread evenly over the targets, whatever the order of
    the rows. O(folds (N D min(N, D) + min(N, D)^3)) time, O(N D) memory.

    Args:
        features: (N, D) real numbers.
        targets: (N, K) real numbers, or 0 and 1 for several labels; N >= 3.
        folds: Number of folds, from 2 to N; at most N are made.
        seed: Seed of the folds where there are several targets.

    Returns:
        (N, K).

    Raises:
        InputError: folds is less than 2, or features are unusable.

    >>> Z = np.random.default_rng(0).normal(size=(40, 3))
    >>> bool(np.abs(probe_outputs(Z, Z[:, :1]) - Z[:, :1]).max() < 0.01)
    True
    """
    if folds < 2:
        raise InputError(f"linear_probe: folds is {folds}; choose at least 2")
    rows = checked_rows(features, len(targets))
    rows -= rows.mean(axis=0)
    fold = target_folds(targets, min(folds, len(rows)), seed)
    outputs = np.empty(targets.shape)
    for number in range(fold.max() + 1):
        test = fold == number
        outputs[test] = _predict(rows[~test], targets[~test], rows[test])
    return outputs


def _predict(rows: np.ndarray, targets: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Outputs (M, K) for unseen rows (M, D), by ridge regression of targets (n, K) on rows (n, D)."""
    mean, level = rows.mean(axis=0), targets.mean(axis=0)
    rows, unseen, targets = rows - mean, unseen - mean, targets - level
    n, d = rows.shape
    values, left, axes = decomposed(rows)
    inside, squared = left.T @ targets, left**2
    least, chosen = np.full(targets.shape[1], np.inf), np.ones(targets.shape[1])
    for penalty in PENALTIES * values.sum() / d:
        shrunk = values / (values + penalty)
        left_out = 1 - 1 / n - squared @ shrunk
        errors = (targets - left @ (shrunk[:, None] * inside)) / left_out[:, None]
        found = np.square(errors).sum(axis=0)
        better = found <= least
        least[better], chosen[better] = found[better], penalty
    weights = (np.sqrt(values)[:, None] / (values[:, None] + chosen)) * inside
    return level + unseen @ (axes @ weights)
