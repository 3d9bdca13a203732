"""Gaussian mixture with full covariances by expectation-maximisation, started from k-means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

REGULARISATION = 1e-6  # added to the diagonal of every covariance, as scikit-learn
_NEGLIGIBLE = 1e-30  # responsibilities below this leave every sum unchanged in double precision


@dataclass(frozen=True)
class Mixture:
    """Weights (K,), means (K, d) and lower Cholesky factors of the covariances (K, d, d)."""

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray


def fit(x: np.ndarray, start: np.ndarray, max_steps: int = 100, tolerance: float = 1e-3) -> np.ndarray:
    """Responsibilities (N, K) of the mixture that EM reaches on x (N, d) from responsibilities `start` (N, K).

    Stops, as scikit-learn does, when the mean log-likelihood changes by less than `tolerance`.
    """
    mixture, previous = maximise(x, start), -np.inf
    for _ in range(max_steps):
        log_likelihood, responsibilities = expect(x, mixture)
        mixture = maximise(x, responsibilities)
        if abs(log_likelihood - previous) < tolerance:
            break
        previous = log_likelihood
    return expect(x, mixture)[1]


def maximise(x: np.ndarray, responsibilities: np.ndarray) -> Mixture:
    """M-step: the mixture (ddof = 0, regularised) of rows x (N, d) that belong to components by `responsibilities`."""
    n, d = x.shape
    sizes = responsibilities.sum(axis=0) + 10 * np.finfo(np.float64).eps
    means = responsibilities.T @ x / sizes[:, None]
    factors = np.empty((len(sizes), d, d))
    for k, size in enumerate(sizes):
        rows = np.flatnonzero(responsibilities[:, k] > _NEGLIGIBLE)
        spread = (x[rows] - means[k]) * np.sqrt(responsibilities[rows, k])[:, None]
        covariance = spread.T @ spread / size
        covariance[np.diag_indices(d)] += REGULARISATION
        factors[k] = np.linalg.cholesky(covariance)
    return Mixture(sizes / sizes.sum(), means, factors)


def expect(x: np.ndarray, mixture: Mixture) -> tuple[float, np.ndarray]:
    """E-step: mean log-likelihood of rows x (N, d), and their responsibilities (N, K)."""
    n, d = x.shape
    logs = np.empty((n, len(mixture.weights)))
    for k, (weight, mean, factor) in enumerate(zip(mixture.weights, mixture.means, mixture.factors, strict=True)):
        whitened = solve_triangular(factor, (x - mean).T, lower=True, check_finite=False)
        logs[:, k] = -0.5 * np.einsum("dn,dn->n", whitened, whitened)
        logs[:, k] += np.log(weight) - np.log(np.diag(factor)).sum() - 0.5 * d * np.log(2 * np.pi)
    top = logs.max(axis=1, keepdims=True)
    responsibilities = np.exp(logs - top)
    total = responsibilities.sum(axis=1, keepdims=True)
    return float((top + np.log(total)).mean()), responsibilities / total


def k_means(x: np.ndarray, k: int, seed: int, max_steps: int = 300) -> np.ndarray:
    """One-hot assignment (N, k) of rows x (N, d) by Lloyd's algorithm from k-means++ (Arthur & Vassilvitskii 2007)."""
    centres = x[_plus_plus(x, k, np.random.default_rng(seed))]
    tolerance = 1e-4 * x.var(axis=0).mean()
    norms = np.einsum("nd,nd->n", x, x)
    for _ in range(max_steps):
        distances = norms[:, None] + np.einsum("kd,kd->k", centres, centres) - 2 * (x @ centres.T)
        nearest = distances.argmin(axis=1)
        counts = np.bincount(nearest, minlength=k)
        moved = _sums(x, nearest, k) / np.maximum(counts, 1)[:, None]
        empty = np.flatnonzero(counts == 0)
        if empty.size:  # an empty cluster restarts at one of the rows farthest from their own centre
            moved[empty] = x[np.argsort(distances.min(axis=1))[::-1][: empty.size]]
        shift = ((moved - centres) ** 2).sum()
        centres = moved
        if shift <= tolerance:
            break
    distances = np.einsum("kd,kd->k", centres, centres) - 2 * (x @ centres.T)
    return np.eye(k)[distances.argmin(axis=1)]


def _plus_plus(x: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k row numbers, each drawn in proportion to the squared distance from the nearest one drawn before."""
    chosen = [int(rng.integers(len(x)))]
    nearest = ((x - x[chosen[0]]) ** 2).sum(axis=1)
    for _ in range(1, k):
        total = nearest.sum()
        row = int(rng.integers(len(x))) if total == 0 else int(np.searchsorted(nearest.cumsum(), rng.random() * total))
        chosen.append(min(row, len(x) - 1))
        np.minimum(nearest, ((x - x[chosen[-1]]) ** 2).sum(axis=1), out=nearest)
    return np.array(chosen)


def _sums(x: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Sums (k, d) of the rows of each label."""
    order = np.argsort(labels, kind="stable")
    present, first = np.unique(labels[order], return_index=True)
    sums = np.zeros((k, x.shape[1]))
    sums[present] = np.add.reduceat(x[order], first, axis=0)
    return sums
