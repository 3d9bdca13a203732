"""PACTran-Gauss: a PAC-Bayesian bound on the loss of a linear classifier."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.metrics._fisher import log_sum_exp
from pedrank.observation.observation import Observation

MAX_STEPS = 100  # L-BFGS steps, as released


@metric(
    title="PACTran",
    paper="Ding et al. 2022, PACTran, ECCV",
    memory=lambda n, d, c: 8 * (n * d + 6 * n * c + 35 * d * c + 2**22),
)
def pactran(observation: Observation, prior_scale: float = 1.0, variance_scale: float = 100.0) -> float:
    """Minus the PACTran-Gauss bound: the optimum of l2-regularised logistic regression plus a flatness term.

    Ding et al. 2022, "PACTran: PAC-Bayesian metrics for estimating the transferability of pretrained models to
    classification tasks", section 4.3, as released: with centred features, S = N * prior_scale,

        L = min_{W, b} mean cross-entropy + |W|^2 / (2 S)
        bound = L + C D / (2 S) * (variance_scale / D) * ln(S / (C D) * tr H)

    with tr H = sum_n sum_c p_nc (1 - p_nc) (|z_n|^2 + 1) + C D / S, p the probabilities at the optimum. The problem is
    convex and starts at zero; the released code draws an unseeded start. Unbounded, higher = better.

    Needs all features at once; O(N D C) per L-BFGS step, at most 100 steps; O(N D) memory. Weak because of its two
    scales: the paper picks them from a grid, and the order of the checkpoints depends on them.

    Args:
        observation: Features and labels.
        prior_scale: Variance of the prior, divided by N.
        variance_scale: Weight of the flatness term.

    >>> from pedrank.observation.observation import observe
    >>> y = np.repeat([0, 1], 10)
    >>> Z = np.random.default_rng(0).normal(size=(20, 3)) + 5 * np.eye(2, 3)[y]
    >>> pactran(observe(Z, y)) > pactran(observe(Z, np.arange(20) % 2))
    True
    """
    # Imported here because the import takes longer than most scores.
    from scipy.optimize import minimize

    n, d, c = observation.n, observation.d, observation.c
    x = np.empty((n, d))
    for rows, block in observation.blocks():
        x[rows] = block - observation.mean
    strength = n * prior_scale
    one_hot = np.eye(c)[observation.labels]

    def log_probabilities(theta: np.ndarray) -> np.ndarray:
        logits = x @ theta[:-1] + theta[-1]
        return logits - log_sum_exp(logits)[:, None]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        theta = flat.reshape(d + 1, c)
        logs = log_probabilities(theta)
        error = (np.exp(logs) - one_hot) / n
        gradient = np.vstack([x.T @ error + theta[:-1] / strength, error.sum(axis=0)])
        value = -logs[np.arange(n), observation.labels].mean() + (theta[:-1] ** 2).sum() / (2 * strength)
        return value, gradient.ravel()

    found = minimize(loss, np.zeros((d + 1) * c), jac=True, method="L-BFGS-B", tol=1e-6, options={"maxiter": MAX_STEPS})
    probabilities = np.exp(log_probabilities(found.x.reshape(d + 1, c)))
    curvature = (probabilities * (1 - probabilities)).sum(axis=1)
    trace = (curvature * (np.einsum("nd,nd->n", x, x) + 1)).sum() + c * d / strength
    flatness = c / (2 * strength) * variance_scale * np.log(trace * strength / (c * d) + 1e-10)
    return -float(found.fun + flatness)
