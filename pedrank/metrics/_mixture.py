"""Gaussian mixture with full covariances by expectation-maximisation, started from k-means.

It gives scikit-learn's numbers: the same updates, regularisation and stopping rule, from the same start. It does less
work: a covariance skips rows of negligible responsibility, and a component of m < d rows never forms a d x d matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

REGULARISATION = 1e-6  # added to the diagonal of every covariance
_NEGLIGIBLE = 1e-20  # smaller responsibilities change no sum in double precision
_COLUMNS = 1024  # columns of whitened rows held at a time


@dataclass(frozen=True)
class Component:
    """One Gaussian of the mixture.

    For a deviation v from the mean, the squared Mahalanobis distance is |A v|^2, with A the inverse Cholesky factor of
    the covariance. A component is thin when fewer than d rows W (m, d) span its covariance W^T W + r I. The distance is
    then (|v|^2 - |A v|^2) / r with A = chol(W W^T + r I)^-1 W (Woodbury).

    Attributes:
        log_constant: Logarithm of weight times normalisation.
        mean: (d,).
        whitening: A, (d, d), or (m, d) where the component is thin.
        thin: Whether fewer than d rows belong to the component.
    """

    log_constant: float
    mean: np.ndarray
    whitening: np.ndarray
    thin: bool


def fit(x: np.ndarray, start: np.ndarray, max_steps: int = 100, tolerance: float = 1e-3) -> np.ndarray:
    """Fit a mixture by expectation-maximisation.

    Args:
        x: (N, d) rows.
        start: (N, K) responsibilities to start from.
        max_steps: Largest number of steps.
        tolerance: EM stops when the mean log-likelihood changes by less than this.

    Returns:
        Responsibilities (N, K) of the fitted mixture.
    """
    components, previous = maximise(x, start), -np.inf
    for _ in range(max_steps):
        log_likelihood, responsibilities = expect(x, components)
        components = maximise(x, responsibilities)
        if abs(log_likelihood - previous) < tolerance:
            break
        previous = log_likelihood
    return expect(x, components)[1]


def maximise(x: np.ndarray, responsibilities: np.ndarray) -> list[Component]:
    """M-step: the K Gaussians that fit rows x (N, d) weighted by their responsibilities (N, K)."""
    d = x.shape[1]
    sizes = responsibilities.sum(axis=0) + 10 * np.finfo(np.float64).eps
    means = responsibilities.T @ x / sizes[:, None]
    log_weights = np.log(sizes / sizes.sum()) - 0.5 * d * np.log(2 * np.pi)
    components = []
    for size, mean, log_weight, share in zip(sizes, means, log_weights, responsibilities.T, strict=True):
        rows = np.flatnonzero(share > _NEGLIGIBLE)
        spread = (x[rows] - mean) * np.sqrt(share[rows] / size)[:, None]
        thin = len(rows) < d
        factor = np.linalg.cholesky(
            (spread @ spread.T if thin else spread.T @ spread) + REGULARISATION * np.eye(min(len(rows), d))
        )
        log_det = 2 * np.log(np.diag(factor)).sum() + (d - len(factor)) * np.log(REGULARISATION)
        whitening = np.linalg.solve(factor, spread) if thin else np.linalg.inv(factor)
        components.append(Component(log_weight - 0.5 * log_det, mean, whitening, thin))
    return components


def expect(x: np.ndarray, components: list[Component]) -> tuple[float, np.ndarray]:
    """E-step: mean log-likelihood of rows x (N, d) under K components, and the rows' responsibilities (N, K)."""
    means = np.array([component.mean for component in components])
    thin = np.array([component.thin for component in components])
    logs = np.empty((len(x), len(components)))
    for group in _groups(components):
        # One product gives the squared norms |A (x - mean)|^2 of a whole group of components.
        whitening = np.concatenate([component.whitening for component in components[group]])
        offsets = np.concatenate([component.whitening @ component.mean for component in components[group]])
        squares = x @ whitening.T
        squares -= offsets
        np.square(squares, out=squares)
        ends = np.cumsum([len(component.whitening) for component in components[group]])
        sums = [squares[:, start:end].sum(axis=1) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        logs[:, group] = np.array(sums).T
    logs[:, thin] = (squared_distances(x, means[thin]) - logs[:, thin]) / REGULARISATION
    logs *= -0.5
    logs += [component.log_constant for component in components]
    top = logs.max(axis=1, keepdims=True)
    logs -= top
    responsibilities = np.exp(logs, out=logs)
    total = responsibilities.sum(axis=1, keepdims=True)
    responsibilities /= total
    return float((top + np.log(total)).mean()), responsibilities


def _groups(components: list[Component]) -> Iterator[slice]:
    """Slices of consecutive components that together have about `_COLUMNS` whitened rows."""
    first, columns = 0, 0
    for last, component in enumerate(components, start=1):
        columns += len(component.whitening)
        if columns >= _COLUMNS or last == len(components):
            yield slice(first, last)
            first, columns = last, 0


def squared_distances(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (N, K) of rows x (N, d) from centres (K, d).

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[25.]])
    """
    distances = x @ (-2 * centres.T)
    distances += np.einsum("nd,nd->n", x, x)[:, None]
    distances += np.einsum("kd,kd->k", centres, centres)
    return distances


def k_means(x: np.ndarray, k: int, seed: int, max_steps: int = 300) -> np.ndarray:
    """Cluster rows by Lloyd's algorithm, started by k-means++ (Arthur & Vassilvitskii 2007).

    Like scikit-learn, it stops when the squared shift of the centres is at most 1e-4 of the mean variance. A cluster
    that loses all its rows restarts at the row farthest from that row's centre.

    Args:
        x: (N, d) rows.
        k: Number of clusters.
        seed: Seed of the start.
        max_steps: Largest number of steps.

    Returns:
        (N,) cluster numbers in 0..k-1.

    >>> clusters = k_means(np.array([[0.0], [0.1], [9.0], [9.1]]), 2, seed=0)
    >>> bool(clusters[0] == clusters[1] != clusters[2] == clusters[3])
    True
    """
    centres = x[_plus_plus(x, k, np.random.default_rng(seed))]
    tolerance = 1e-4 * x.var(axis=0).mean()
    for _ in range(max_steps):
        distances = squared_distances(x, centres)
        nearest = distances.argmin(axis=1)
        order = np.argsort(nearest, kind="stable")
        present, first = np.unique(nearest[order], return_index=True)
        moved = np.empty_like(centres)
        moved[present] = np.add.reduceat(x[order], first, axis=0) / np.diff([*first, len(x)])[:, None]
        empty = np.setdiff1d(np.arange(k), present, assume_unique=True)
        moved[empty] = x[np.argsort(-distances[np.arange(len(x)), nearest], kind="stable")[: len(empty)]]
        shift = ((moved - centres) ** 2).sum()
        centres = moved
        if shift <= tolerance:
            break
    return squared_distances(x, centres).argmin(axis=1)


def _plus_plus(x: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k row numbers, each drawn in proportion to the squared distance from the nearest row drawn before."""
    chosen = [int(rng.integers(len(x)))]
    nearest = np.full(len(x), np.inf)
    for _ in range(1, k):
        np.minimum(nearest, squared_distances(x, x[chosen[-1:]])[:, 0], out=nearest)
        cumulative = np.maximum(nearest, 0).cumsum()
        row = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
        chosen.append(min(int(row), len(x) - 1))
    return np.array(chosen)
