"""LogME in plain D x D algebra: the version to read first. `pedrank.metrics.logme` gives the same score faster."""

from __future__ import annotations

import numpy as np

from pedrank.metrics.logme import GUARD, MAX_STEPS, TOLERANCE


def plain_logme(features: np.ndarray, labels: np.ndarray, mode: str = "as_released") -> float:
    """LogME (You et al. 2021, with the fixed point of You et al. 2022): O(C (N D + D^3)) per step.

    Args:
        features: (N, D) real numbers.
        labels: (N,) integers that use every value of 0..C-1.
        mode: "as_released", or "paper", whose determinant has all D directions.

    Returns:
        The mean over classes of the maximised log evidence, divided by N.

    >>> from pedrank import score
    >>> y = np.arange(60) % 3
    >>> Z = np.random.default_rng(0).normal(size=(60, 4)) + 2 * np.eye(3, 4)[y]
    >>> bool(np.isclose(plain_logme(Z, y), score("logme", Z, y), rtol=1e-9))
    True
    """
    x = features.astype(np.float64)
    n, d = x.shape
    scatter, identity = x.T @ x, np.eye(d)  # S of the equations
    # The released code takes the determinant over the directions of its SVD only: N of them, or the live features.
    rank = min(n, int((x != 0).any(axis=0).sum())) if mode == "as_released" else d
    evidences = []
    for label in range(labels.max() + 1):
        y = (labels == label).astype(np.float64)
        t = 1.0  # alpha / beta
        for _ in range(MAX_STEPS):
            inverse = np.linalg.inv(scatter + t * identity)
            weights = inverse @ (x.T @ y)
            gamma = np.trace(scatter @ inverse)
            m2, r2 = weights @ weights, ((y - x @ weights) ** 2).sum()
            alpha, beta = gamma / (m2 + GUARD), (n - gamma) / (r2 + GUARD)
            before, t = t, alpha / beta
            if abs(t - before) <= TOLERANCE * before:
                break
        log_det = np.linalg.slogdet(alpha * identity + beta * scatter)[1] - (d - rank) * np.log(alpha)
        evidence = d / 2 * np.log(alpha) + n / 2 * np.log(beta) - log_det / 2
        evidences.append(evidence - beta / 2 * r2 - alpha / 2 * m2 - n / 2 * np.log(2 * np.pi))
    return float(np.mean(evidences) / n)
