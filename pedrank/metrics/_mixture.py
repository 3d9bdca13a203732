"""Gaussian mixture with full covariances by expectation-maximisation, started from clusters.

It gives scikit-learn's numbers: the same updates, regularisation and stopping rule, from the same start. It does less
work: a component of m < d rows never forms a d x d matrix, and a row meets only components that can have a share in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pedrank.metrics._near import APART, REGULARISATION, carry, near
from pedrank.utils.parallel import each, one_blas_thread

_NEGLIGIBLE = 1e-20  # smaller responsibilities change no sum in double precision
_SHORT = 16  # columns of rows for which a bound would cost as much as the density


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


@dataclass(frozen=True)
class Shares:
    """Responsibilities of components for rows, without the negligible ones: M of all N K.

    Attributes:
        rows: (M,) row numbers: those of component 0 in ascending order, then those of component 1, and so on.
        values: (M,) responsibilities.
        ends: (K + 1,) component j has the entries ends[j] to ends[j + 1].
        largest: (N,) the component with the largest responsibility for each row.
    """

    rows: np.ndarray
    values: np.ndarray
    ends: np.ndarray
    largest: np.ndarray

    @property
    def components(self) -> np.ndarray:
        """Component of each entry (M,)."""
        return np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends))


def of_clusters(clusters: np.ndarray, k: int) -> Shares:
    """Each row belongs to one of k components.

    >>> of_clusters(np.array([1, 0, 1]), 2).rows
    array([1, 0, 2])
    """
    rows = np.argsort(clusters, kind="stable")
    return Shares(rows, np.ones(len(rows)), np.searchsorted(clusters[rows], np.arange(k + 1)), clusters)


def fit(x: np.ndarray, start: Shares, max_steps: int = 100, tolerance: float = 1e-3) -> Shares:
    """Fit a mixture by expectation-maximisation.

    Args:
        x: (N, d) rows.
        start: Responsibilities to start from.
        max_steps: Largest number of steps.
        tolerance: EM stops when the mean log-likelihood changes by less than this.

    Returns:
        Responsibilities of the fitted mixture.
    """
    lengths: dict[int, np.ndarray] = {}
    components: list[Component] = []

    def step(shares: Shares) -> tuple[float, Shares]:
        nonlocal components
        before, components = components, maximise(x, shares)
        if before:
            carry(lengths, before, components)
        return expect(x, components, shares.largest, lengths)

    shares, previous = start, -np.inf
    for _ in range(max_steps):
        log_likelihood, found = step(shares)
        if np.array_equal(found.rows, shares.rows) and np.array_equal(found.values, shares.values):
            return found  # every further step would give the same again
        shares = found
        if abs(log_likelihood - previous) < tolerance:
            break
        previous = log_likelihood
    return step(shares)[1]


def maximise(x: np.ndarray, shares: Shares) -> list[Component]:
    """M-step: the K Gaussians that fit rows x (N, d) weighted by their responsibilities."""
    d, k = x.shape[1], len(shares.ends) - 1
    sizes = np.bincount(shares.components, shares.values, k) + 10 * np.finfo(np.float64).eps
    log_weights = np.log(sizes / sizes.sum()) - 0.5 * d * np.log(2 * np.pi)
    components: list[Component] = [None] * k  # type: ignore[list-item]

    def fit_one(number: int) -> None:
        own = slice(shares.ends[number], shares.ends[number + 1])
        rows, share = x[shares.rows[own]], shares.values[own]
        mean = share @ rows / sizes[number]
        kept = share > _NEGLIGIBLE
        spread = (rows[kept] - mean) * np.sqrt(share[kept] / sizes[number])[:, None]
        m = len(spread)
        thin = m < d
        factor = np.linalg.cholesky(
            (spread @ spread.T if thin else spread.T @ spread) + REGULARISATION * np.eye(min(m, d))
        )
        log_det = 2 * np.log(np.diag(factor)).sum() + (d - len(factor)) * np.log(REGULARISATION)
        whitening = np.linalg.solve(factor, spread) if thin else np.linalg.inv(factor)
        components[number] = Component(log_weights[number] - 0.5 * log_det, mean, whitening, thin)

    with one_blas_thread():
        each(fit_one, range(k))
    return components


def expect(
    x: np.ndarray, components: list[Component], likely: np.ndarray, lengths: dict[int, np.ndarray]
) -> tuple[float, Shares]:
    """E-step: mean log-likelihood of rows x (N, d) under K components, and the rows' responsibilities.

    Args:
        x: (N, d) rows.
        components: The K components.
        likely: (N,) a component with a large share in each row. It decides only how many densities are computed.
        lengths: Lower bounds of the Mahalanobis distances, as in `near`; updated.
    """
    n, k = len(x), len(components)
    if x.shape[1] <= _SHORT:
        rows, ends = np.tile(np.arange(n), k), n * np.arange(k + 1)
    else:
        start, floor = of_clusters(likely, k), np.empty(n)
        floor[start.rows] = _log_densities(x, components, start.rows, start.ends)
        rows, ends = near(x, components, floor, lengths)
    logs = _log_densities(x, components, rows, ends)
    top = np.full(n, -np.inf)
    np.maximum.at(top, rows, logs)
    logs -= top[rows]
    largest = np.empty(n, dtype=np.intp)
    first = np.flatnonzero(logs == 0)
    largest[rows[first]] = np.searchsorted(ends, first, side="right") - 1
    values = np.exp(logs, out=logs)
    total = np.bincount(rows, values, n)
    values /= total[rows]
    kept = np.flatnonzero(values > np.exp(-APART))
    ends = np.searchsorted(kept, ends)
    return float((top + np.log(total)).mean()), Shares(rows[kept], values[kept], ends, largest)


def _log_densities(x: np.ndarray, components: list[Component], rows: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Logarithm of weight times density (M,) of some rows under each component; rows and ends as in `Shares`."""
    logs = np.empty(len(rows))

    def fill(number: int) -> None:
        own, component = slice(ends[number], ends[number + 1]), components[number]
        deviations = x[rows[own]] - component.mean
        whitened = deviations @ component.whitening.T
        squares = np.einsum("nm,nm->n", whitened, whitened)
        if component.thin:
            squares = (np.einsum("nd,nd->n", deviations, deviations) - squares) / REGULARISATION
        logs[own] = component.log_constant - 0.5 * squares

    with one_blas_thread():
        each(fill, range(len(components)))
    return logs
