"""Symmetric matrices made easy to shift and invert: S = Q T Q^T, T diagonal or, at a third of the cost, tridiagonal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LARGE = 512  # rows from which on the time saved exceeds the 0.3 s that importing scipy takes


@dataclass(frozen=True)
class Spectrum:
    """A positive semidefinite matrix S (D, D) as Q T Q^T."""

    values: np.ndarray  # (D,) eigenvalues, not negative
    rotate: Callable[[np.ndarray], np.ndarray]  # Q^T B of a B (D, C)
    solve: Callable[[np.ndarray, float], np.ndarray]  # (T + t)^-1 B of a B (D, C) and t > 0


def spectrum(matrix: np.ndarray) -> Spectrum:
    """Spectrum of a positive semidefinite matrix (D, D), O(D^3)."""
    return _diagonal(matrix) if len(matrix) < LARGE else _tridiagonal(matrix)


def _diagonal(matrix: np.ndarray) -> Spectrum:
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0)
    return Spectrum(values, lambda b: vectors.T @ b, lambda b, t: b / (values + t)[:, None])


def _tridiagonal(matrix: np.ndarray) -> Spectrum:
    """Householder's reduction alone: no eigenvector is ever needed, only solutions with T + t, O(D) for each column."""
    from scipy.linalg import lapack  # type: ignore[import-untyped]

    n = len(matrix)
    reflectors, diagonal, beside, scales, _ = lapack.dsytrd(np.asfortranarray(matrix), lower=1, lwork=64 * n)
    values = np.maximum(lapack.dsterf(diagonal, beside)[0], 0.0)
    # Rounding may leave an eigenvalue of zero slightly negative; T + t has to stay positive definite.
    diagonal = diagonal + 8 * np.finfo(np.float64).eps * values[-1]

    reflectors = np.asfortranarray(reflectors[1:, :-1])  # the first row and column need no reflection

    def rotate(b: np.ndarray) -> np.ndarray:
        below = lapack.dormqr("L", "T", reflectors, scales, b[1:], 64 * max(n, b.shape[1]))[0]
        return np.asfortranarray(np.vstack([b[:1], below]))  # as `solve` wants it

    def solve(b: np.ndarray, t: float) -> np.ndarray:
        pivots, factors, _ = lapack.dpttrf(diagonal + t, beside)
        return lapack.dpttrs(pivots, factors, b)[0]

    return Spectrum(values, rotate, solve)
