"""Gaussian mixture with full covariances by expectation-maximisation, started from clusters.

It gives scikit-learn's numbers: the same updates, regularisation and stopping rule, from the same start. It does less
work: a component of m < d rows never forms a d x d matrix, and a row meets only components that can have a share in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pedrank.metrics._k_means import rounding
from pedrank.utils.parallel import each, one_blas_thread

REGULARISATION = 1e-6  # added to the diagonal of every covariance
_NEGLIGIBLE = 1e-20  # smaller responsibilities change no sum in double precision
_APART = 80.0  # in log density; a component that is so far below another one has a responsibility below 1e-34
_FEWEST, _MOST = 4, 64  # directions of a component in which a lower bound of its distances is computed
_COLUMNS = 2048  # directions of all components that are computed at a time
_ROWS = 256  # rows that are computed at a time


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
    shares, previous = start, -np.inf
    for _ in range(max_steps):
        log_likelihood, found = expect(x, maximise(x, shares), shares.largest)
        if np.array_equal(found.rows, shares.rows) and np.array_equal(found.values, shares.values):
            return found  # every further step would give the same again
        shares = found
        if abs(log_likelihood - previous) < tolerance:
            break
        previous = log_likelihood
    return expect(x, maximise(x, shares), shares.largest)[1]


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


def expect(x: np.ndarray, components: list[Component], likely: np.ndarray) -> tuple[float, Shares]:
    """E-step: mean log-likelihood of rows x (N, d) under K components, and the rows' responsibilities.

    Args:
        x: (N, d) rows.
        components: The K components.
        likely: (N,) a component with a large share in each row. It decides only how many densities are computed.
    """
    n, k = len(x), len(components)
    if x.shape[1] <= 4 * _FEWEST:  # a bound would cost as much as the density
        rows, ends = np.tile(np.arange(n), k), n * np.arange(k + 1)
    else:
        start, floor = of_clusters(likely, k), np.empty(n)
        floor[start.rows] = _log_densities(x, components, start.rows, start.ends)
        rows, ends = _near(x, components, floor)
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
    kept = np.flatnonzero(values > np.exp(-_APART))
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


def _near(x: np.ndarray, components: list[Component], floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of row and component whose log density may be above the floor of the row less `_APART`.

    A component's distance v^T M v is at least |U v|^2, where the rows of U are E^T M after whitening by E^T M E, for
    any E (d, q): the length of M^1/2 v is at least that of its projection on M^1/2 E. U v is computed in float32, and
    its rounding error is subtracted.

    Args:
        x: (N, d) rows.
        components: The K components.
        floor: (N,) the log density of the row under some component.

    Returns:
        Rows and ends as in `Shares`.
    """
    (n, d), k = x.shape, len(components)
    q = _directions(x)
    directions = np.empty((k, q, d + 1), dtype=np.float32)
    constants = np.array([component.log_constant for component in components])
    lengths, errors = np.empty(k), np.empty(k)

    def direct(number: int) -> None:
        component = components[number]
        some = component.whitening.T @ component.whitening[:, :q]  # A^T A E, where E is the first q axes
        if component.thin:
            some = (np.eye(d, q) - some) / REGULARISATION
        gram = some[:q] + 1e-10 * (1 / REGULARISATION if component.thin else some[:q].max()) * np.eye(q)
        found = np.linalg.solve(np.linalg.cholesky(gram), some.T)
        directions[number, :, :d], directions[number, :, d] = found, -found @ component.mean
        lengths[number] = np.square(found).sum()
        errors[number] = lengths[number] * np.square(component.mean).sum()

    with one_blas_thread():
        each(direct, range(k))
    # (a + b)^2 <= 1.1 a^2 + 11 b^2, with b^2 <= 2 rounding^2 |U|^2 (|x|^2 + |mean|^2)
    scale = 22 * rounding(d) ** 2
    most = (2.2 * (constants + 1e-6 * np.abs(constants) + _APART) + scale * errors).astype(np.float32)
    least = 2.2 * (floor - 1e-6 * np.abs(floor))
    slopes = (scale * lengths).astype(np.float32)
    found: list[np.ndarray] = [np.empty(0, dtype=np.intp)] * -(-n // _ROWS)

    def block(number: int) -> None:
        start = number * _ROWS
        rows = np.ones((min(_ROWS, n - start), d + 1), dtype=np.float32)
        rows[:, :d] = x[start : start + _ROWS]
        squares = np.einsum("nd,nd->n", rows[:, :d], rows[:, :d])
        below = np.empty((len(rows), k), dtype=np.float32)
        for group in _groups(k, q):
            along = (rows @ directions[group].reshape(-1, d + 1).T).reshape(len(rows), -1, q)
            np.einsum("nkq,nkq->nk", along, along, out=below[:, group])
        limit = squares[:, None] * slopes
        limit += most
        limit -= least[start : start + _ROWS, None].astype(np.float32)
        found[number] = start * k + np.flatnonzero(~(below > limit))

    with one_blas_thread():
        each(block, range(len(found)))
    row, component = np.divmod(np.concatenate(found), k)
    order = np.argsort(component.astype(np.uint16 if k < 2**16 else np.intp), kind="stable")
    return row[order], np.searchsorted(component[order], np.arange(k + 1))


def _directions(x: np.ndarray) -> int:
    """Number of directions that make the bound large enough for most thin components: more where rows are short.

    The density of a thin component has at most d factors of REGULARISATION^-1/2, so the bound must exceed about
    14 d REGULARISATION. A direction adds about half of the mean variance |x|^2 / d, sometimes much less.
    """
    d, square = x.shape[1], np.einsum("nd,nd->", x, x) / len(x)
    wanted = 28 * REGULARISATION * d**2 / max(square, 1e-300)
    return min(_MOST, d, _FEWEST + int(min(wanted, _MOST)))


def _groups(k: int, q: int) -> Iterator[slice]:
    """Slices of components that together have about `_COLUMNS` directions."""
    step = max(1, _COLUMNS // q)
    return (slice(start, min(start + step, k)) for start in range(0, k, step))
