"""Which components of a mixture a row can have a share in, by lower bounds of its Mahalanobis distances.

A density is needed in double precision only where a bound cannot tell that the component's responsibility is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from pedrank.metrics._k_means import rounding
from pedrank.utils.parallel import each, one_blas_thread

if TYPE_CHECKING:
    from pedrank.metrics._mixture import Component

REGULARISATION = 1e-6  # added to the diagonal of every covariance
APART = 80.0  # in log density; a component that is so far below another one has a responsibility below 1e-34
_MOST = 64  # directions of a component in which a lower bound of its distances is computed
_COLUMNS = 2048  # directions of all components that are computed at a time
_ROWS = 256  # rows that are computed at a time
_DOWN = 1 - 1e-6  # a float32 number times this is still a lower bound


def near(
    x: np.ndarray, components: list[Component], floor: np.ndarray, lengths: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of row and component whose log density may be above the floor of the row less `APART`.

    Args:
        x: (N, d) rows.
        components: The K components.
        floor: (N,) the log density of the row under some component.
        lengths: Lower bounds (N,) of the Mahalanobis distances to some components that are not thin; all of these have
            one afterwards.

    Returns:
        Rows and ends as in `Shares`.
    """
    rows, ends = _by_directions(x, components, floor)
    kept = [rows[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]

    def shorten(number: int) -> None:
        if not components[number].thin:
            own = lengths.setdefault(number, np.zeros(len(x), dtype=np.float32))
            kept[number] = _by_length(x, components[number], kept[number], floor, own)

    with one_blas_thread():
        each(shorten, range(len(components)))
    return np.concatenate(kept), np.cumsum([0, *map(len, kept)])


def carry(lengths: dict[int, np.ndarray], before: list[Component], after: list[Component]) -> None:
    """Turn lower bounds of Mahalanobis distances to some components into those to the components that follow them.

    With A the whitening of a component, |A v| = |A A'^-1 A' v| <= |A A'^-1| |A' v|, so a new distance is at least the
    old one over |A A'^-1|, less the new distance between both means. The norm is at most that of Schatten, which needs
    no eigenvalues: |B|^2 <= 1 + |(B^T B - 1)^4|_F^(1/4).

    Args:
        lengths: Lower bounds as in `near`; updated, without those of components that became thin.
        before: The K components to which they are bounds.
        after: The K components that follow them.
    """

    def one(number: int) -> None:
        old, new = before[number], after[number]
        if new.thin:
            del lengths[number]
            return
        ratio = old.whitening @ np.linalg.inv(new.whitening)
        change = ratio.T @ ratio - np.eye(len(ratio))
        change = change @ change
        stretch = np.sqrt(1 + np.sqrt(np.sqrt(np.linalg.norm(change @ change))))
        shift = np.linalg.norm(new.whitening @ (new.mean - old.mean))
        lengths[number] *= _DOWN / stretch
        lengths[number] -= shift / _DOWN

    with one_blas_thread():
        each(one, list(lengths))


def _by_length(
    x: np.ndarray, component: Component, rows: np.ndarray, floor: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """Those of some row numbers whose Mahalanobis distance, computed in float32 where it has to be, is short enough.

    The rounding error of A v is at most `rounding` |A|_F |v|.

    Args:
        x: (N, d) rows.
        component: A component that is not thin.
        rows: Row numbers.
        floor: (N,) as in `near`.
        lengths: (N,) lower bounds of the distances; updated.
    """
    least = floor[rows] - 1e-6 * np.abs(floor[rows]) - APART
    farthest = np.sqrt(np.maximum(2 * (component.log_constant - least), 0)) / _DOWN
    unclear = np.flatnonzero(~(lengths[rows] > farthest))
    rows, farthest = rows[unclear], farthest[unclear]
    whitening = component.whitening.T.astype(np.float32)
    error = np.float32(rounding(len(whitening)) * np.linalg.norm(component.whitening))
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        deviations = (x[some] - component.mean).astype(np.float32)
        whitened = deviations @ whitening
        length, own = (np.sqrt(np.einsum("nd,nd->n", v, v)) for v in (whitened, deviations))
        length = length * _DOWN - error * own
        lengths[some] = np.where(np.isfinite(length), length, 0)  # squares beyond 1e38 are infinite in float32
    return rows[~(lengths[rows] > farthest)]


def _by_directions(x: np.ndarray, components: list[Component], floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of row and component whose log density may be above the floor of the row less `APART`.

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
    most = (2.2 * (constants + 1e-6 * np.abs(constants) + APART) + scale * errors).astype(np.float32)
    least = 2.2 * (floor - 1e-6 * np.abs(floor))
    slopes = (scale * lengths).astype(np.float32)
    found: list[np.ndarray] = [np.empty(0, dtype=np.intp)] * -(-n // _ROWS)

    def block(number: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not a number excludes nothing
            compare(number)

    def compare(number: int) -> None:
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
    return min(_MOST, d, 1 + int(min(wanted, _MOST)))


def _groups(k: int, q: int) -> Iterator[slice]:
    """Slices of components that together have about `_COLUMNS` directions."""
    step = max(1, _COLUMNS // q)
    return (slice(start, min(start + step, k)) for start in range(0, k, step))
