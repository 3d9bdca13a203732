"""H-score with a shrunk covariance."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import check_memory, metric
from pedrank.observation.observation import Observation


@metric(
    title="H-score",
    paper="Bao et al. 2019, H-score, ICIP; Ibrahim et al. 2021, Newer is not always better, arXiv",
    memory=lambda n, d, c: 8 * (4 * d * d + 2**23),
)
def h_score(observation: Observation, debiased: bool = False) -> float:
    """Trace of the inverse feature covariance times the covariance of class means, both shrunk by Ledoit and Wolf.

    Bao et al. 2019, "An information-theoretic approach to transferability in task transfer learning". The shrinkage is
    that of Ibrahim et al. 2021, "Newer is not always better", as in the Transfer-Learning-Library:

        H = tr(cov_a(Z)^-1 (1 - a) cov(E[Z | y])),    a the Ledoit-Wolf shrinkage, the second covariance with ddof = 1.

    Higher = better, in [0, (C - 1) N / (N - 1)]. Needs features for the shrinkage (a sum of fourth powers) and
    statistics for the rest; O(N D^2 + D^3) time, O(D^2) memory. Weak for few samples, where the shrinkage decides. It
    measures how far class means spread, not how classes overlap.

    Class means of few samples also spread by chance, the more the more features there are. debiased=True subtracts the
    expected share of this: with S_c the unbiased covariance of class c, of n_c > 1 samples,

        H - (1 - a) / (N - 1) sum_c (1 - n_c / N) tr(cov_a(Z)^-1 S_c).

    It equals leaving each sample out of the class mean that it is multiplied with. For classes of one size n this is
    H - (1 - 1 / C) / n tr(cov_a(Z)^-1 mean_c S_c), up to H's own factors (1 - a) N / (N - 1) [V: read in another
    program's code, not in a paper]. The difference may be negative; it costs one more pass of O(N D^2).

    Args:
        observation: Features and labels.
        debiased: Whether the expected spread of class means by chance is subtracted.

    Raises:
        InputError: Memory is short for `debiased`.

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
    between = observation.counts @ np.einsum("cd,dc->c", spread, solved)
    if debiased:
        check_memory("h_score", observation, 8 * (6 * observation.d**2 + 2**22))
        between -= np.trace(np.linalg.solve(covariance, _scatter_by_chance(observation)))
    return float((1 - shrinkage) * between / (n - 1))


def _scatter_by_chance(observation: Observation) -> np.ndarray:
    """Expected scatter (D, D) of class means around the mean of all samples if all classes had the same mean.

    It is sum_c (1 - n_c / N) S_c, with S_c the unbiased covariance of class c; a class's only sample has none.
    """
    counts, n = observation.counts, observation.n
    weights = np.sqrt((1 - counts / n) / np.maximum(counts - 1, 1))
    scatter = np.zeros((observation.d, observation.d))
    for rows, block in observation.blocks():
        own = observation.labels[rows]
        block -= observation.means[own]
        block *= weights[own, None]
        scatter += block.T @ block
    return scatter


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
