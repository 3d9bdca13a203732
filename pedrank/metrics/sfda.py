"""SFDA: self-challenging Fisher discriminant analysis."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedrank.metrics import Score, metric
from pedrank.observation import Observation

SHRINKAGE_FLOOR = 1e-10


@metric(memory=lambda n, d, c: 8 * (3 * d * d + 3 * n * c))
def sfda(observation: Observation) -> Score:
    """Mean probability of the true class under a regularised Fisher discriminant, after hard samples were simulated.

    Shao et al. 2022, "Not all models are equal: predicting model transferability in a self-challenging Fisher space", as
    released:
    1. p = softmax(z W^T + b) of linear discriminant analysis with shrunk within-class covariance, strength
       max(exp(-5 lambda_max), 1e-10), lambda_max from three power iterations.
    2. ConfMix: with q = softmax(p)_y, each sample becomes q z + (1 - q) (unweighted mean of the other classes' means).
    3. The same discriminant and the same strength on the mixed samples; the score is the mean of p_y (the paper's
       logarithm is left out "in case of instability").

    The released code solves a generalised eigenproblem and multiplies all eigenvectors V back together; V V^T is the
    inverse of the shrunk covariance, so one Cholesky solve gives the same coefficients.

    Needs features; O(N D^2 + D^3 + N D C) time, O(D^2 + N C) memory. Score in (0, 1], higher = better; it saturates at 1
    when N is about D or less, so rank_score is ln(mean(1 - p_y)), negated, which does not.
    Weak where N < D, and through the exponential shrinkage, which depends on the scale of the features.
    """
    labels, priors = observation.labels, observation.counts / observation.n
    covariance = observation.within_scatter() / observation.n
    strength = max(np.exp(-5 * _largest_eigenvalue(covariance)), SHRINKAGE_FLOOR)
    weights, intercepts = _discriminant(covariance, observation.means, priors, strength)
    others = (observation.means.sum(axis=0) - observation.means) / (observation.c - 1)

    confidence = np.empty(observation.n)
    for part, block in observation.blocks():
        confidence[part] = _softmax(_softmax(block @ weights + intercepts))[np.arange(len(block)), labels[part]]

    mixed_means = np.zeros_like(observation.means)
    for part, block in observation.blocks():
        np.add.at(mixed_means, labels[part], _mix(block, confidence[part], others[labels[part]]))
    mixed_means /= observation.counts[:, None]
    scatter = np.zeros_like(covariance)
    for part, block in observation.blocks():
        mixed = _mix(block, confidence[part], others[labels[part]]) - mixed_means[labels[part]]
        scatter += mixed.T @ mixed
    weights, intercepts = _discriminant(scatter / observation.n, mixed_means, priors, strength)
    missing = 0.0
    for part, block in observation.blocks():
        logits = _mix(block, confidence[part], others[labels[part]]) @ weights + intercepts
        own = logits[np.arange(len(block)), labels[part]].copy()
        logits[np.arange(len(block)), labels[part]] = -np.inf
        # 1 - p_y without cancellation.
        top = np.maximum(logits.max(axis=1), own)
        rest = np.exp(logits - top[:, None]).sum(axis=1)
        missing += (rest / (rest + np.exp(own - top))).sum()
    missing /= observation.n
    return Score(float(1 - missing), float(-np.log(missing)) if missing > 0 else np.inf)


def _mix(block: np.ndarray, confidence: np.ndarray, others: np.ndarray) -> np.ndarray:
    return confidence[:, None] * block + (1 - confidence)[:, None] * others


def _discriminant(covariance: np.ndarray, means: np.ndarray, priors: np.ndarray, strength: float):
    shrunk = (1 - strength) * covariance
    shrunk[np.diag_indices_from(shrunk)] += strength * np.trace(covariance) / len(covariance)
    weights = cho_solve(cho_factor(shrunk, lower=True, check_finite=False), means.T, check_finite=False)
    return weights, np.log(priors) - 0.5 * np.einsum("cd,dc->c", means, weights)


def _largest_eigenvalue(matrix: np.ndarray) -> float:
    vector = matrix.sum(axis=1)
    for _ in range(3):
        other = matrix @ vector
        other /= np.linalg.norm(other)
        vector = matrix @ other
        vector /= np.linalg.norm(vector)
    return float(vector @ matrix @ other / (vector @ vector))


def _softmax(logits: np.ndarray) -> np.ndarray:
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities
