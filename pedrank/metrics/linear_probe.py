"""Linear probe: cross-validated accuracy of ridge regression on the features."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.metrics._folds import stratified_folds
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

PENALTIES = 10.0 ** np.arange(-5, 4)  # times the mean variance of a feature and the number of training samples


@metric(
    title="Linear probe",
    paper="Kornblith et al. 2019, Do better ImageNet models transfer better?, CVPR",
    memory=lambda n, d, c: 8 * (5 * n * d + 3 * min(n, d) ** 2 + 4 * n * c),
)
def linear_probe(observation: Observation, folds: int = 5, seed: int = 0) -> float:
    """Share of samples that a linear classifier assigns to their class, trained on the other folds.

    A linear classifier on fixed features is the usual measure of their quality (Kornblith et al. 2019; theirs is a
    logistic regression [N]). Here it is ridge regression (Hoerl & Kennard 1970) of the one-hot labels on the centred
    features, with an intercept; the class of the largest output is the guess. Each training set chooses its own
    penalty, by its accuracy when each of its samples is left out (nested cross-validation with folds of one sample;
    Allen 1974, in closed form):

        W = (X^T X + t I)^-1 X^T Y,    H = X (X^T X + t I)^-1 X^T + 1/n,
        sample i left out:  (H Y - diag(H) Y)_i, up to a positive factor of the row.

    The penalties t are 10^-5 to 10^3 times the number of training samples and the mean variance of a feature; the
    largest of equally good ones is taken. So the scale of the features does not matter. The folds depend on neither
    the order of the samples nor the numbering of the classes.

    Score in [0, 1], higher = better. Needs all features at once; O(folds (N D min(N, D) + min(N, D)^3)) time, O(N D)
    memory. Weak because it is the slowest of the cheap scores, and because fine-tuning also changes the features; with
    few samples per fold it is coarse. It is the yardstick for all metrics: a cheaper one should rank about as well.

    Args:
        observation: Features and labels.
        folds: Number of folds, from 2 to N; at most N are made.
        seed: Seed of the folds.

    Raises:
        InputError: folds is less than 2.

    >>> from pedrank.observation.observation import observe
    >>> y = np.repeat([0, 1], 20)
    >>> Z = np.random.default_rng(0).normal(size=(40, 3)) + 5 * np.eye(2, 3)[y]
    >>> linear_probe(observe(Z, y))
    1.0
    """
    if folds < 2:
        raise InputError(f"linear_probe: folds is {folds}; choose at least 2")
    rows = np.concatenate([block - observation.mean for _, block in observation.blocks()])
    fold = stratified_folds(observation, min(folds, observation.n), seed)
    one_hot = np.eye(observation.c)[observation.labels]
    right = 0
    for number in range(fold.max() + 1):
        test = fold == number
        outputs = _predict(rows[~test], one_hot[~test], rows[test])
        right += int((outputs.argmax(axis=1) == observation.labels[test]).sum())
    return right / observation.n


def _predict(rows: np.ndarray, one_hot: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Outputs (M, C) for unseen rows (M, D), by ridge regression of one_hot (n, C) on rows (n, D)."""
    mean, share = rows.mean(axis=0), one_hot.mean(axis=0)
    rows, unseen, targets = rows - mean, unseen - mean, one_hot - share
    n, d = rows.shape
    labels = one_hot.argmax(axis=1)
    values, left, axes = decomposed(rows)
    inside, squared = left.T @ targets, left**2
    best, chosen = -1, 1.0
    for penalty in PENALTIES * values.sum() / d:
        shrunk = values / (values + penalty)
        leverage = 1 / n + squared @ shrunk
        left_out = share + left @ (shrunk[:, None] * inside) - leverage[:, None] * one_hot
        right = int((left_out.argmax(axis=1) == labels).sum())
        if right >= best:
            best, chosen = right, penalty
    weights = (np.sqrt(values) / (values + chosen))[:, None] * inside
    return share + unseen @ (axes @ weights)


def decomposed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decompose rows into left * sqrt(values) @ axes.T, their singular value decomposition without its zeros.

    Args:
        rows: (n, D).

    Returns:
        values (r,), left (n, r) and axes (D, r).

    >>> values, left, axes = decomposed(np.array([[3.0, 0.0], [0.0, 0.0]]))
    >>> values, (left * np.sqrt(values) @ axes.T)[0]
    (array([9.]), array([3., 0.]))
    """
    n, d = rows.shape
    wide = n < d
    values, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    kept = values > values[-1] * np.finfo(np.float64).eps * max(n, d)
    values, vectors = values[kept], vectors[:, kept]
    axes = (rows.T @ vectors) / np.sqrt(values) if wide else vectors
    left = vectors if wide else (rows @ vectors) / np.sqrt(values)
    return values, left, axes
