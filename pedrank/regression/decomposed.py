"""Singular value decomposition without zeros, from the smaller Gram matrix."""

from __future__ import annotations

import numpy as np

from pedrank.metrics.linear_probe import gram_spectrum


def decomposed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decompose rows into left * sqrt(values) @ axes.T, their singular value decomposition without its zeros.

    Args:
        rows: (n, D).

    Returns:
        values (r,), left (n, r) and axes (D, r).

    >>> values, left, axes = decomposed(np.array([[3.0, 0.0], [0.0, 0.0]]))
    >>> values, (left * np.sqrt(values) @ axes.T)[0]
    (array([9.]), array([3., 0.]))
    """
    n, d = rows.shape
    wide = n < d
    values, vectors = gram_spectrum(rows @ rows.T if wide else rows.T @ rows, max(n, d))
    axes = (rows.T @ vectors) / np.sqrt(values) if wide else vectors
    left = vectors if wide else (rows @ vectors) / np.sqrt(values)
    return values, left, axes
