"""Fisher's discriminant in which each sample is left out of its own class: the leave-one-out forms of SFDA."""

from __future__ import annotations

import numpy as np

from pedrank.metrics._fisher import adaptive_shrinkage, shrink

LEFT_OUT = ("nothing", "mean", "sample")


def left_out_logits(rows: np.ndarray, labels: np.ndarray, leave_out: str) -> np.ndarray:
    """Logits of each row under a linear discriminant that has not seen it, up to a constant per row.

    With M the inverse of the shrunk within-class covariance, v = x - mu_y and n = n_y, leaving x out of its class mean
    gives mu' = mu_y - v / (n - 1). Leaving it out of the within-class scatter S as well gives
    S' = S - n / (n - 1) v v^T, and so, by Sherman and Morrison's formula, a correction of rank one to M. The shrinkage,
    the mean variance, the class shares and the divisor N stay as they are.

    Args:
        rows: (N, D) float64.
        labels: (N,) integers that use every value of 0..C-1; the only sample of a class is not left out.
        leave_out: "mean", or "sample" for the mean and the scatter.

    Returns:
        (N, C).

    Raises:
        LinAlgError: The shrunk covariance is singular.

    >>> rows = np.array([[0.0], [1.0], [9.0], [10.0]])
    >>> left_out_logits(rows, np.array([0, 0, 1, 1]), "sample").argmax(axis=1)
    array([0, 0, 1, 1])
    """
    n, counts = len(rows), np.bincount(labels)
    rows = rows - rows.mean(axis=0)
    means = np.array([rows[labels == label].mean(axis=0) for label in range(len(counts))])
    apart = rows - means[labels]
    covariance = apart.T @ apart / n
    shrinkage = adaptive_shrinkage(covariance)
    values, vectors = np.linalg.eigh(shrink(covariance, shrinkage))
    if not values[0] > 0:
        raise np.linalg.LinAlgError
    # In these coordinates M is the identity, and rounding does not mix the large and the small variances.
    whitening = vectors / np.sqrt(values)
    rows, means = rows @ whitening, means @ whitening
    apart = rows - means[labels]
    distances = np.einsum("nd,nd->n", rows, rows)[:, None] - 2 * rows @ means.T + np.einsum("cd,cd->c", means, means)
    lengths = np.einsum("nd,nd->n", apart, apart)
    others = np.maximum(counts[labels] - 1, 1)  # of a class's only sample `apart` is zero, so nothing is left out
    factor = counts[labels] / others
    remaining = np.ones(n)
    if leave_out == "sample":
        weight = factor * (1 - shrinkage) / n
        remaining = np.maximum(1 - weight * lengths, np.finfo(np.float64).eps)
        along = np.einsum("nd,nd->n", apart, rows)[:, None] - apart @ means.T
        distances += (weight / remaining)[:, None] * along**2
    distances[np.arange(n), labels] = factor**2 * lengths / remaining
    return np.log(counts / n) - distances / 2
