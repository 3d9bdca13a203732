"""k-means with the assignments of float64 arithmetic, most of them decided in float32.

A float32 product with its rounding error subtracted is a lower bound of the distance. Only rows whose two nearest
centres it cannot tell apart are computed again in float64. A centre that did not move is not computed again at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pedrank.utils.float32 import scale_for_float32
from pedrank.utils.parallel import each, one_blas_thread

_CELLS = 2**20  # distances computed at a time: 4 MiB
_PAIRS = 2**20  # numbers gathered at a time, for distances in float64


def k_means(x: np.ndarray, k: int, seeds: Sequence[int], max_steps: int = 300) -> Iterator[np.ndarray]:
    """Cluster rows by Lloyd's algorithm, started by k-means++ (Arthur & Vassilvitskii 2007).

    Like scikit-learn, it stops when the squared shift of the centres is at most 1e-4 of the mean variance. A cluster
    that loses all its rows restarts at the row farthest from that row's centre.

    Args:
        x: (N, d) rows, centred: the bounds are close where rows are short.
        k: Number of clusters.
        seeds: Seed of each start.
        max_steps: Largest number of steps.

    Yields:
        (N,) cluster numbers in 0..k-1, one array per seed.

    >>> clusters = next(k_means(np.array([[-9.0], [-8.9], [8.9], [9.0]]), 2, seeds=[0]))
    >>> bool(clusters[0] == clusters[1] != clusters[2] == clusters[3])
    True
    """
    scale = scale_for_float32(x)
    if scale != 1:
        x = x * scale
    rows = _float32_rows(x)
    tolerance = 1e-4 * x.var(axis=0).mean()
    for seed in seeds:
        start = x[_plus_plus(x, rows, k, np.random.default_rng(seed))]
        yield _lloyd(x, rows, start, tolerance, max_steps)


def rounding(d: int) -> float:
    """Error of a float32 product of d + 2 rounded numbers, relative to the product of both lengths (with a margin)."""
    return 1.1 * (d + 16) * 2.0**-24


def _float32_rows(x: np.ndarray) -> np.ndarray:
    """Rows (N, d + 2) whose product with `_float32_centres` is a lower bound of |x - c|^2 - |x|^2."""
    rows = np.empty((len(x), x.shape[1] + 2), dtype=np.float32)
    rows[:, :-2] = x
    rows[:, -2] = np.sqrt(np.einsum("nd,nd->n", x, x))
    rows[:, -1] = 1
    return rows


def _float32_centres(centres: np.ndarray) -> np.ndarray:
    """Columns (K, d + 2): -2 c for x, the rounding error for |x|, and |c|^2 less its rounding error for 1."""
    squares, error = np.einsum("kd,kd->k", centres, centres), rounding(centres.shape[1])
    return np.column_stack([-2 * centres, -2 * error * np.sqrt(squares), (1 - error) * squares]).astype(np.float32)


def _plus_plus(x: np.ndarray, rows: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k row numbers, each drawn in proportion to the squared distance from the nearest row drawn before."""
    chosen = [int(rng.integers(len(x)))]
    squares = np.einsum("nd,nd->n", x, x)
    nearest, bounds = np.full(len(x), np.inf), np.empty(len(x), dtype=np.float32)
    for _ in range(1, k):
        centre = x[chosen[-1]]
        np.matmul(rows, _float32_centres(centre[None])[0], out=bounds)
        closer = np.flatnonzero(bounds < nearest - squares)
        distances = x[closer] @ (-2 * centre) + squares[closer] + centre @ centre
        nearest[closer] = np.maximum(np.minimum(nearest[closer], distances), 0)
        cumulative = nearest.cumsum()
        row = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
        chosen.append(min(int(row), len(x) - 1))
    return np.array(chosen)


def _lloyd(x: np.ndarray, rows: np.ndarray, centres: np.ndarray, tolerance: float, max_steps: int) -> np.ndarray:
    """Clusters (N,) after Lloyd's steps from centres (K, d)."""
    n, k = len(x), len(centres)
    lower = np.empty((n, k), dtype=np.float32)
    upper = np.full(n, np.inf, dtype=np.float32)
    nearest = np.zeros(n, dtype=np.intp)
    moved = np.ones(k, dtype=bool)
    for step in range(max_steps):
        before = nearest.copy()
        _assign(x, rows, centres, moved, lower, upper, nearest)
        changed = nearest != before if step else np.ones(n, dtype=bool)
        sizes = np.bincount(nearest, minlength=k)
        touched = np.zeros(k, dtype=bool)
        touched[nearest[changed]] = touched[before[changed]] = True
        after = centres.copy()
        _move(x, nearest, np.flatnonzero(touched & (sizes > 0)), after)
        empty = np.flatnonzero(sizes == 0)
        if empty.size:
            distances = np.square(x - centres[nearest]).sum(axis=1)
            after[empty] = x[np.argsort(-distances, kind="stable")[: len(empty)]]
        shifts = np.square(after - centres).sum(axis=1)
        centres, moved = after, shifts > 0
        if shifts.sum() <= tolerance:
            break
    _assign(x, rows, centres, moved, lower, upper, nearest)
    return nearest


def _assign(
    x: np.ndarray,
    rows: np.ndarray,
    centres: np.ndarray,
    moved: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    nearest: np.ndarray,
) -> None:
    """Find the nearest centre of every row after some centres moved.

    Args:
        x: (N, d) rows.
        rows: The same rows, from `_float32_rows`.
        centres: (K, d).
        moved: (K,), whether the centre moved since the last call.
        lower: (N, K), lower bounds of the squared distances minus |x|^2; updated.
        upper: (N,), an upper bound of that of the nearest centre; updated.
        nearest: (N,), number of the nearest centre; updated.
    """
    columns = _float32_centres(centres)
    # Twice the error, because `lower` already has it subtracted once: for |x|, and for 1.
    slack = -2.2 * columns[:, -2], 2.2 * rounding(x.shape[1]) * np.abs(columns[:, -1])
    # All centres in one product where most of them moved: writing scattered columns takes a third of its time.
    those = np.flatnonzero(moved)
    everything = 4 * len(those) > 3 * len(centres)
    fresh = columns if everything else columns[those]
    size = max(64, _CELLS // len(centres))

    def upper_bounds(numbers: np.ndarray, best: np.ndarray) -> np.ndarray:
        return lower[numbers, best] + slack[0][best] * rows[numbers, -2] + slack[1][best]

    def block(start: int) -> None:
        place = slice(start, min(start + size, len(x)))
        if everything:
            np.matmul(rows[place], fresh.T, out=lower[place])
            numbers = np.arange(place.start, place.stop)
        else:
            bounds = rows[place] @ fresh.T
            lower[place, those] = bounds
            again = moved[nearest[place]]
            again |= bounds.min(axis=1, initial=np.inf) <= upper[place]
            numbers = start + np.flatnonzero(again)
            if not numbers.size:
                return
        near = lower[numbers]
        best = near.argmin(axis=1)
        limit = upper_bounds(numbers, best)
        near[np.arange(len(numbers)), best] = np.inf
        unclear = np.flatnonzero(near.min(axis=1) <= limit)
        if unclear.size:
            row, column = np.nonzero(lower[numbers[unclear]] <= limit[unclear, None])
            best[unclear] = _nearest_of(x, centres, numbers[unclear], row, column)
            limit[unclear] = upper_bounds(numbers[unclear], best[unclear])
        nearest[numbers], upper[numbers] = best, limit

    with one_blas_thread():
        each(block, range(0, len(x), size))


def _nearest_of(
    x: np.ndarray, centres: np.ndarray, numbers: np.ndarray, row: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Nearest of some centres in float64, the first one if two are equally near.

    Args:
        x: (N, d) rows.
        centres: (K, d).
        numbers: (R,) row numbers.
        row: (P,) position in `numbers` of each pair, ascending.
        column: (P,) centre of each pair, ascending for each row.

    Returns:
        (R,) numbers of centres.
    """
    distances = np.empty(len(row))
    step = max(1, _PAIRS // x.shape[1])
    for start in range(0, len(row), step):
        pairs = slice(start, start + step)
        distances[pairs] = np.square(x[numbers[row[pairs]]] - centres[column[pairs]]).sum(axis=1)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    smallest = np.flatnonzero(distances == np.minimum.reduceat(distances, first)[row])
    best = np.empty(len(numbers), dtype=np.intp)
    best[row[smallest[::-1]]] = column[smallest[::-1]]  # the last assignment counts: the first centre
    return best


def _move(x: np.ndarray, nearest: np.ndarray, clusters: np.ndarray, centres: np.ndarray) -> None:
    """Write the mean of each of some clusters into its row of the centres (K, d)."""
    order = np.argsort(nearest, kind="stable")
    ends = np.searchsorted(nearest[order], [clusters, clusters + 1])

    def mean(number: int) -> None:
        members = order[ends[0, number] : ends[1, number]]
        centres[clusters[number]] = x[members].sum(axis=0) / len(members)

    each(mean, range(len(clusters)))
