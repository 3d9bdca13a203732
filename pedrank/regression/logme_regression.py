"""LogME for real-valued targets: log maximum evidence of a Bayesian linear model."""

from __future__ import annotations

import numpy as np

from pedrank.metrics.logme import maximum_evidence
from pedrank.regression.decomposed import decomposed
from pedrank.regression.targets import checked_rows, checked_targets
from pedrank.utils.errors import InputError


def logme_regression(
    features: np.ndarray, targets: np.ndarray, mode: str = "as_released", standardised: bool = False
) -> float:
    """Mean over targets of the maximised log evidence, per sample, of a Bayesian linear model.

    You et al. 2021, "LogME: practical assessment of pre-trained models for transfer learning", for regression, as
    released. The equations, the fixed point and the two modes are those of `pedrank.metrics.logme`, which applies them
    to one-hot labels; here y is a column of targets. With the singular value decomposition X = U diag(s) V^T,
    x = U^T y and t = alpha / beta,

        gamma = sum s^2 / (s^2 + t)    m2 = sum s^2 x^2 / (s^2 + t)^2
        r2 = sum (t x / (s^2 + t))^2 + |y - U x|^2    ln det(S + t) = sum ln(s^2 + t) + (D - rank) ln t.

    Higher = better, unbounded. O(N D min(N, D)) time and O(N D) memory. Weak because the published model has no
    intercept: neither features nor targets are centred, so targets far from zero favour features whose mean is far from
    zero. Weak also because the fixed point starts at t = 1 and ends after eleven steps, and its guard of 1e-5 is
    compared with the squared weights, so the scale of the features matters. `standardised` removes both weaknesses;
    `pedrank.rank` uses it.

    Args:
        features: (N, D) real numbers.
        targets: (N,) or (N, K) real numbers, 0/1 columns of several labels included.
        mode: "as_released", or "paper", whose determinant has all D directions.
        standardised: Whether to subtract the means of features and targets first, and to divide targets by their
            standard deviation and features by the root mean square of a sample's length. False as published.

    Returns:
        The mean evidence, divided by N.

    Raises:
        InputError: The mode is unknown, or features or targets are unusable (`pedrank.regression.targets`).

    >>> Z = np.random.default_rng(0).normal(size=(60, 3))
    >>> logme_regression(Z, Z[:, 0]) > logme_regression(Z, np.sin(9 * Z[:, 0]))
    True
    """
    if mode not in ("as_released", "paper"):
        raise InputError(f"logme: unknown mode '{mode}'; choose as_released or paper")
    y = checked_targets(targets)
    x = checked_rows(features, len(y))
    (n, d), k = x.shape, y.shape[1]
    if standardised:
        x, y = x - x.mean(axis=0), (y - y.mean(axis=0)) / y.std(axis=0)
        x /= np.sqrt(np.square(x).sum() / n)
    values, left, _ = decomposed(x)
    values = values[:, None]
    inside = left.T @ y
    outside = np.square(y - left @ inside).sum(axis=0)  # as a residual: a difference of squares would lose digits
    inside_squared = np.square(inside)

    def terms(t: np.ndarray) -> np.ndarray:
        shifted = values + t
        log_det = np.log(shifted).sum(axis=0) + (d - len(values)) * np.log(t)
        m2 = (values * inside_squared / shifted**2).sum(axis=0)
        r2 = (inside_squared * (t / shifted) ** 2).sum(axis=0) + outside
        return np.array([log_det, (values / shifted).sum(axis=0), m2, r2])

    rank = min(n, int((x != 0).any(axis=0).sum())) if mode == "as_released" else d
    return float(maximum_evidence(terms, k, n, d, rank).mean() / n)
