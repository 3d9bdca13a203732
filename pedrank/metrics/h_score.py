"""H-score with a shrunk covariance."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation


@metric(
    title="H-score",
    paper="Bao et al. 2019, H-score, ICIP; Ibrahim et al. 2021, Newer is not always better, arXiv",
    memory=lambda n, d, c: 8 * 4 * d * d,
)
def h_score(observation: Observation) -> float:
    """Trace of the inverse feature covariance times the covariance of class means, both shrunk by Ledoit and Wolf.

    Bao et al. 2019, "An information-theoretic approach to transferability in task transfer learning". The shrinkage is
    that of Ibrahim et al. 2021, "Newer is not always better", as in the Transfer-Learning-Library:

        H = tr(cov_a(Z)^-1 (1 - a) cov(E[Z | y])),    a the Ledoit-Wolf shrinkage, the second covariance with ddof = 1.

    Higher = better, in [0, (C - 1) N / (N - 1)]. Needs features for the shrinkage (a sum of fourth powers) and
    statistics for the rest; O(N D^2 + D^3) time, O(D^2) memory. Weak for few samples, where the shrinkage decides. It
    measures how far class means spread, not how classes overlap.

    >>> from pedrank.observation.observation import observe
    >>> noise, labels = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], 20)
    >>> near, far = (observe(noise + gap * labels[:, None], labels) for gap in (0.5, 5))
    >>> h_score(near) < h_score(far)
    True
    """
    n = observation.n
    covariance = observation.total_scatter() / n
    shrinkage = ledoit_wolf(covariance, _fourth_power(observation), n)
    mean_variance = np.trace(covariance) / len(covariance)
    covariance *= 1 - shrinkage
    covariance[np.diag_indices_from(covariance)] += shrinkage * mean_variance
    spread = observation.means - observation.mean
    solved = np.linalg.solve(covariance, spread.T)
    return float((1 - shrinkage) * observation.counts @ np.einsum("cd,dc->c", spread, solved) / (n - 1))


def _fourth_power(observation: Observation) -> float:
    """Mean over samples of the fourth power of the distance from the mean of all samples."""
    total = 0.0
    for _, block in observation.blocks():
        block -= observation.mean
        total += (np.einsum("nd,nd->n", block, block) ** 2).sum()
    return total / observation.n


def ledoit_wolf(covariance: np.ndarray, fourth_power: float, n: int) -> float:
    """Shrinkage of a covariance towards its mean variance (Ledoit & Wolf 2004, section 3).

    Args:
        covariance: (D, D), ddof = 0.
        fourth_power: Mean over samples of the fourth power of the distance from the mean.
        n: Number of samples.

    Returns:
        A share in [0, 1]: 0 keeps the covariance, 1 replaces it by its mean variance.

    >>> ledoit_wolf(np.eye(3), fourth_power=9.0, n=100)
    1.0
    """
    d = len(covariance)
    squared = np.einsum("ij,ij->", covariance, covariance)
    noise = (fourth_power - squared) / n / d
    distance = (squared - np.trace(covariance) ** 2 / d) / d
    return 1.0 if distance <= 0 else float(min(noise, distance) / distance)
