"""The regularised Fisher discriminant that SFDA and LDA share."""

from __future__ import annotations

import numpy as np

SHRINKAGE_FLOOR = 1e-10


def adaptive_shrinkage(covariance: np.ndarray) -> float:
    """max(exp(-5 lambda_max), 1e-10) of a within-class covariance (D, D) (Shao et al. 2022, Eq. 5).

    >>> round(adaptive_shrinkage(0.2 * np.eye(3)), 3)  # exp(-1)
    0.368
    """
    return max(float(np.exp(-5 * largest_eigenvalue(covariance))), SHRINKAGE_FLOOR)


def largest_eigenvalue(matrix: np.ndarray) -> float:
    """Rayleigh quotient of a matrix (D, D) after six steps of power iteration from its row sums, as released."""
    vector = matrix.sum(axis=1)
    for _ in range(3):
        half = matrix @ vector
        half /= np.linalg.norm(half)
        vector = matrix @ half
        vector /= np.linalg.norm(vector)
    return float(vector @ matrix @ half)


def shrink(covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    """Shrink a covariance towards its mean variance: (1 - s) covariance + s mean(diagonal) I.

    Args:
        covariance: (D, D); overwritten by the result.
        shrinkage: The share s, in [0, 1].

    Returns:
        The same array.

    >>> shrink(np.array([[3.0, 1.0], [1.0, 1.0]]), 0.5)
    array([[2.5, 0.5],
           [0.5, 1.5]])
    """
    mean_variance = np.trace(covariance) / len(covariance)
    covariance *= 1 - shrinkage
    covariance[np.diag_indices_from(covariance)] += shrinkage * mean_variance
    return covariance


def discriminant(covariance: np.ndarray, means: np.ndarray, log_priors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear discriminant: a sample z has the logits z^T weights + intercepts.

    It solves by LU. SciPy's Cholesky solver needs half the operations but uses another BLAS library than NumPy, and the
    idle threads of each library block the cores that the other needs. Measured, this cost more than it saved.

    Args:
        covariance: (D, D) within-class covariance, positive definite.
        means: (C, D) class means.
        log_priors: (C,) logarithms of the class shares.

    Returns:
        Weights (D, C) and intercepts (C,).
    """
    weights = np.linalg.solve(covariance, means.T)
    return weights, log_priors - 0.5 * np.einsum("cd,dc->c", means, weights)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (N, C) of logits (N, C).

    >>> softmax(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def log_miss(logits: np.ndarray, own: np.ndarray) -> np.ndarray:
    """ln(1 - p_y), with p the softmax of the logits; accurate also where p_y is near 1.

    Args:
        logits: (N, C); overwritten.
        own: (N,) labels.

    Returns:
        (N,).
    """
    everything = log_sum_exp(logits)
    logits[np.arange(len(own)), own] = -np.inf
    return log_sum_exp(logits) - everything


def log_sum_exp(values: np.ndarray) -> np.ndarray:
    """ln(sum(exp(values))) along the last axis.

    >>> float(log_sum_exp(np.zeros(8)) - np.log(8))
    0.0
    """
    top = values.max(axis=-1, keepdims=True)
    return np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0]
