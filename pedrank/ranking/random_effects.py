"""Linear models with random effects, fitted by their marginal likelihood.

    y = X b + sum over k of t_k Z_k u_k + s e        b ~ N(0, 1), u_k ~ N(0, I), e ~ N(0, I), all independent

y holds N observations. X (N x P) has the regressors. Z_k (N x Q_k) links each observation to the levels of effect k: a
column of ones and zeros per hub for a random intercept; the same columns times a regressor for a slope that differs
between hubs. With t and s known, everything is Gaussian:

    V = X X' + sum over k of t_k^2 Z_k Z_k' + s^2 I        E[b | y] = X' V^-1 y        Cov[b | y] = I - X' V^-1 X

t and s maximise log N(y; 0, V) + sum over k of (log t_k - t_k / A). The second term is the density of a Gamma(2, 1/A)
(Chung et al. 2013, A nondegenerate penalized likelihood estimator for variance parameters, Psychometrika). Without it
t_k is often estimated as 0 where there are two or three hubs, and an effect would seem to travel without any loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

TYPICAL_SD = 0.2  # A: the most likely standard deviation of an effect before any data


@dataclass(frozen=True)
class Fit:
    """Posterior of a model.

    mean (P,) and covariance (P, P) belong to b; sd holds t_k by name; residual_sd is s; effects holds E[t_k u_k | y]
    (Q_k,) by name, and effects_sd their standard deviations.
    """

    mean: np.ndarray
    covariance: np.ndarray
    sd: dict[str, float]
    residual_sd: float
    effects: dict[str, np.ndarray]
    effects_sd: dict[str, np.ndarray]


def fit_random_effects(
    y: np.ndarray, x: np.ndarray, effects: Mapping[str, np.ndarray], noise_count: int = 0, noise_squares: float = 0.0
) -> Fit:
    """Fit the model above.

    Args:
        y: (N,) observations, of the order of 1.
        x: (N, P) regressors.
        effects: Z_k (N, Q_k) by name.
        noise_count: Number of further observations that are noise alone: X and Z_k are 0 there.
        noise_squares: Sum of their squares.

    Returns:
        The posterior.

    >>> hubs = np.repeat(np.eye(2), 3, axis=0)  # 6 observations in 2 hubs
    >>> fit = fit_random_effects(np.array([0.9, 1.0, 1.1, 0.4, 0.5, 0.6]), np.ones((6, 1)), {"hub": hubs})
    >>> round(float(fit.mean[0]), 1), fit.effects["hub"].shape
    (0.7, (2,))
    """
    products = [z @ z.T for z in effects.values()]
    fixed = x @ x.T

    def covariance(logs: np.ndarray) -> np.ndarray:
        total = fixed + np.exp(2 * logs[-1]) * np.eye(len(y))
        for log, product in zip(logs, products, strict=False):
            total = total + np.exp(2 * log) * product
        return total

    def loss(logs: np.ndarray) -> float:
        factor = cho_factor(covariance(logs), lower=True)
        fitted = 0.5 * y @ cho_solve(factor, y) + np.log(np.diag(factor[0])).sum()
        fitted += noise_count * logs[-1] + 0.5 * noise_squares * np.exp(-2 * logs[-1])
        return float(fitted - (logs[:-1] - np.exp(logs[:-1]) / TYPICAL_SD).sum())

    start = np.log([*([TYPICAL_SD] * len(products)), 0.5])
    logs = minimize(loss, start, method="L-BFGS-B", bounds=[(-7, 2)] * len(start)).x
    factor = cho_factor(covariance(logs), lower=True)
    sd = dict(zip(effects, np.exp(logs[:-1]).tolist(), strict=True))
    means, deviations = {}, {}
    for name, z in effects.items():
        means[name] = sd[name] ** 2 * z.T @ cho_solve(factor, y)
        explained = sd[name] ** 4 * np.einsum("nq,nq->q", z, cho_solve(factor, z))
        deviations[name] = np.sqrt(np.maximum(sd[name] ** 2 - explained, 0))
    return Fit(
        mean=x.T @ cho_solve(factor, y),
        covariance=np.eye(x.shape[1]) - x.T @ cho_solve(factor, x),
        sd=sd,
        residual_sd=float(np.exp(logs[-1])),
        effects=means,
        effects_sd=deviations,
    )


def indicators(levels: Sequence[object], scale: np.ndarray | None = None) -> np.ndarray:
    """Columns that link observations to the levels of an effect, in the order in which levels come first.

    Args:
        levels: N labels.
        scale: (N,) regressor whose slope is random; ones where None.

    Returns:
        (N, Q), one column per different label.

    >>> indicators(["a", "b", "a"]).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    names = list(dict.fromkeys(levels))
    columns = np.array([[float(level == name) for name in names] for level in levels])
    return columns if scale is None else columns * scale[:, None]
