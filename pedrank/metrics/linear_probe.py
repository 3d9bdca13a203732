"""Linear probe: cross-validated accuracy of ridge regression on the features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from pedrank.metrics import block_outputs, metric
from pedrank.metrics._folds import stratified_folds
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

PENALTIES = 10.0 ** np.arange(-5, 4)  # times the mean variance of a feature and the number of training samples


@metric(
    title="Linear probe",
    paper="Kornblith et al. 2019, Do better ImageNet models transfer better?, CVPR",
    memory=lambda n, d, c: 8 * (8 * min(n, d) * d + 2**23 + 5 * block_outputs(n, d, c) + n * c // 2),
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

    Score in [0, 1], higher = better. Needs features, read often; O(folds (N D min(N, D) + min(N, D)^3)) time, O(D^2)
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
    fold = stratified_folds(observation, min(folds, observation.n), seed)
    right = 0
    for number in range(fold.max() + 1):
        test = np.flatnonzero(fold == number)
        outputs = _predict(observation, np.flatnonzero(fold != number), test)
        right += int((outputs.argmax(axis=1) == observation.labels[test]).sum())
    return right / observation.n


def _predict(observation: Observation, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Outputs (M, C) for unseen rows (M,), by ridge regression of the one-hot labels on the features of rows (n,).

    Of features X, centred, with the singular value decomposition X = left * sqrt(values) @ axes.T.
    """
    n, labels = len(train), observation.labels[train]
    share = np.bincount(labels, minlength=observation.c) / n
    mean = sum(block.sum(axis=0) for _, block in observation.blocks(train)) / n
    values, axes, inside, lefts = _decompose(observation, train, mean, share)
    penalties = PENALTIES * values.sum() / observation.d
    right = np.zeros(len(penalties), dtype=int)
    for part, left in lefts():
        own, squared = labels[part], left**2
        for number, penalty in enumerate(penalties):
            shrunk = values / (values + penalty)
            left_out = share + left @ (shrunk[:, None] * inside)
            left_out[np.arange(len(own)), own] -= 1 / n + squared @ shrunk
            right[number] += (left_out.argmax(axis=1) == own).sum()
    chosen = penalties[np.flatnonzero(right == right.max())[-1]]
    weights = axes @ ((np.sqrt(values) / (values + chosen))[:, None] * inside)
    return np.concatenate([share + (block - mean) @ weights for _, block in observation.blocks(test)])


def _decompose(
    observation: Observation, train: np.ndarray, mean: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Callable[[], Iterable[tuple[slice, np.ndarray]]]]:
    """Values (r,), axes (D, r), left^T (r, n) times the centred one-hot labels, and a function that yields left.

    With fewer rows than features, the decomposition is that of the Gram matrix of the rows, which are then copied.
    """
    n, d, c = len(train), observation.d, observation.c

    def blocks() -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        for part, block in observation.blocks(train):
            yield part, block - mean, np.eye(c)[observation.labels[train[part]]] - share

    if n < d:
        rows = np.concatenate([block for _, block, _ in blocks()])
        targets = np.concatenate([some for _, _, some in blocks()])
        values, vectors = gram_spectrum(rows @ rows.T, d)
        return values, (rows.T @ vectors) / np.sqrt(values), vectors.T @ targets, lambda: [(slice(n), vectors)]
    scatter, products = np.zeros((d, d)), np.zeros((d, c))
    for _, block, targets in blocks():
        scatter += block.T @ block
        products += block.T @ targets
    values, axes = gram_spectrum(scatter, n)
    scaled = axes / np.sqrt(values)
    return values, axes, scaled.T @ products, lambda: ((part, block @ scaled) for part, block, _ in blocks())


def gram_spectrum(matrix: np.ndarray, larger: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (r,) of a Gram matrix beyond rounding, and their vectors.

    Args:
        matrix: Products of the rows or the columns of some (n, D) numbers.
        larger: The larger one of n and D.
    """
    values, vectors = np.linalg.eigh(matrix)
    kept = values > values[-1] * np.finfo(np.float64).eps * larger
    return values[kept], vectors[:, kept]
