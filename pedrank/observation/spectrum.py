"""Decomposition of a symmetric matrix that makes S + t easy to invert: S = Q T Q^T.

T is diagonal for small matrices. For large ones it is tridiagonal, which takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LARGE = 512  # rows from which the tridiagonal form saves more than the 0.3 s of importing scipy


@dataclass(frozen=True)
class Spectrum:
    """A positive semidefinite matrix S (D, D) as Q T Q^T.

    Attributes:
        values: (D,) eigenvalues of S, at least 0.
        rotate: Maps B (D, C) to Q^T B; a `thin_spectrum` to fewer rows.
        solve: Maps B (D, C) and t > 0 to (T + t)^-1 B. With t (C,), column k is (T + t_k)^-1 b_k.
    """

    values: np.ndarray
    rotate: Callable[[np.ndarray], np.ndarray]
    solve: Callable[[np.ndarray, float | np.ndarray], np.ndarray]


def spectrum(matrix: np.ndarray) -> Spectrum:
    """Spectrum of a positive semidefinite matrix (D, D); O(D^3) time.

    >>> found = spectrum(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> found.values.round(6)
    array([1., 3.])
    >>> b = found.rotate(np.array([[4.0], [0.0]]))
    >>> (b.T @ found.solve(b, 1.0)).round(6)  # b^T (S + 1)^-1 b
    array([[6.]])
    """
    return _diagonal(matrix) if len(matrix) < LARGE else _tridiagonal(matrix)


def thin_spectrum(rows: np.ndarray) -> Spectrum:
    """Spectrum of X^T X (D, D) for X (N, D) with fewer rows than columns; O(N^2 D) time instead of O(D^3).

    X^T = Q R gives X^T X = Q (R R^T) Q^T, zero outside the N columns of Q. `rotate` then maps B to N rows for Q^T B and
    C rows for the part outside: products b^T f(S) b stay as they are.

    >>> found = thin_spectrum(np.array([[1.0, 1.0, 0.0]]))
    >>> b = found.rotate(np.array([[1.0], [0.0], [2.0]]))
    >>> (b.T @ found.solve(b, 1.0)).round(6)  # b^T (S + 1)^-1 b
    array([[4.666667]])
    """
    basis, triangle = np.linalg.qr(rows.T)
    core, n = spectrum(triangle @ triangle.T), len(rows)

    def rotate(b: np.ndarray) -> np.ndarray:
        inside = basis.T @ b
        return np.vstack([core.rotate(inside), np.linalg.qr(b - basis @ inside, mode="r")])

    def solve(b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
        return np.vstack([core.solve(b[:n], t), b[n:] / t])

    return Spectrum(np.concatenate([np.zeros(rows.shape[1] - n), core.values]), rotate, solve)


def leading_axes(matrix: np.ndarray, share: float) -> np.ndarray:
    """The fewest eigenvectors whose eigenvalues are more than a share of the sum of all; O(D^3) time.

    Args:
        matrix: (D, D), positive semidefinite.
        share: In (0, 1).

    Returns:
        (D, d), the eigenvector of the largest eigenvalue first.

    >>> np.abs(leading_axes(np.diag([2.0, 9.0]), 0.8))
    array([[0.],
           [1.]])
    """
    n = len(matrix)
    if n < LARGE:
        values, vectors = np.linalg.eigh(matrix)
        return vectors[:, : -_number(values, share) - 1 : -1]
    from scipy.linalg import eigh_tridiagonal, lapack

    reflectors, diagonal, beside, scales, _ = lapack.dsytrd(matrix.T, lower=1, lwork=64 * n)
    number = _number(lapack.dsterf(diagonal, beside)[0], share)
    # stemr takes half of the time of stebz, the default.
    wanted = {"select": "i", "select_range": (n - number, n - 1), "lapack_driver": "stemr"}
    vectors = eigh_tridiagonal(diagonal, beside, **wanted)[1][:, ::-1]
    reflectors = np.asfortranarray(reflectors[1:, :-1])  # the first row and column need no reflection
    below = lapack.dormqr("L", "N", reflectors, scales, np.asfortranarray(vectors[1:]), 64 * n)[0]
    return np.vstack([vectors[:1], below])


def _number(values: np.ndarray, share: float) -> int:
    """How many of the ascending eigenvalues, from the last, are more than a share of the sum."""
    shares = np.cumsum(values[::-1]) / values.sum()
    return min(int(np.searchsorted(shares, share, side="right")) + 1, len(values))


def _diagonal(matrix: np.ndarray) -> Spectrum:
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0)
    return Spectrum(values, lambda b: vectors.T @ b, lambda b, t: b / (values[:, None] + t))


def _tridiagonal(matrix: np.ndarray) -> Spectrum:
    """Householder's reduction alone: metrics need no eigenvectors, only solutions with T + t, O(D) per column."""
    from scipy.linalg import lapack

    n = len(matrix)
    reflectors, diagonal, beside, scales, _ = lapack.dsytrd(matrix.T, lower=1, lwork=64 * n)
    values = np.maximum(lapack.dsterf(diagonal, beside)[0], 0.0)
    # Rounding may make a zero eigenvalue slightly negative, but T + t must stay positive definite.
    diagonal = diagonal + 8 * np.finfo(np.float64).eps * values[-1]

    reflectors = np.asfortranarray(reflectors[1:, :-1])  # the first row and column need no reflection

    def rotate(b: np.ndarray) -> np.ndarray:
        below = lapack.dormqr("L", "T", reflectors, scales, b[1:], 64 * max(n, b.shape[1]))[0]
        return np.asfortranarray(np.vstack([b[:1], below]))  # column-major, as LAPACK needs it

    def solve(b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
        if isinstance(t, np.ndarray):
            return np.column_stack([solve(column, each) for column, each in zip(b.T, t, strict=True)])
        pivots, factors, _ = lapack.dpttrf(diagonal + t, beside)
        return lapack.dpttrs(pivots, factors, b)[0]

    return Spectrum(values, rotate, solve)
