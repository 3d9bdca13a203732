"""The regularised Fisher discriminant that SFDA and LDA share."""

from __future__ import annotations

import numpy as np

SHRINKAGE_FLOOR = 1e-10


def adaptive_shrinkage(covariance: np.ndarray) -> float:
    """max(exp(-5 lambda_max), 1e-10) of a within-class covariance (Shao et al. 2022, Eq. 5)."""
    return max(float(np.exp(-5 * largest_eigenvalue(covariance))), SHRINKAGE_FLOOR)


def largest_eigenvalue(matrix: np.ndarray) -> float:
    """Rayleigh quotient of the released code after three rounds (six steps) of power iteration from the row sums."""
    vector = matrix.sum(axis=1)
    for _ in range(3):
        half = matrix @ vector
        half /= np.linalg.norm(half)
        vector = matrix @ half
        vector /= np.linalg.norm(vector)
    return float(vector @ matrix @ half)


def shrink(covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    """Covariance (D, D) shrunk towards its mean variance, in place."""
    mean_variance = np.trace(covariance) / len(covariance)
    covariance *= 1 - shrinkage
    covariance[np.diag_indices_from(covariance)] += shrinkage * mean_variance
    return covariance


def discriminant(covariance: np.ndarray, means: np.ndarray, log_priors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (D, C) and intercepts (C,): a sample z has the logits z^T weights + intercepts.

    By LU: SciPy's Cholesky solver needs half the operations, but its BLAS is another library than NumPy's, and the idle
    threads of either spin for a while on the cores that the other wants; that cost more than it saved.
    """
    weights = np.linalg.solve(covariance, means.T)
    return weights, log_priors - 0.5 * np.einsum("cd,dc->c", means, weights)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (N, C) of logits (N, C)."""
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def log_miss(logits: np.ndarray, own: np.ndarray) -> np.ndarray:
    """ln(1 - p_y) (N,) of logits (N, C) and labels (N,), without cancellation when p_y is near 1; spoils `logits`."""
    everything = log_sum_exp(logits)
    logits[np.arange(len(own)), own] = -np.inf
    return log_sum_exp(logits) - everything


def log_sum_exp(values: np.ndarray) -> np.ndarray:
    """ln(sum(exp(values))) along the last axis."""
    top = values.max(axis=-1, keepdims=True)
    return np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0]
