"""NLEEP: LEEP over the components of a Gaussian mixture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pedrank.metrics import metric
from pedrank.metrics._k_means import k_means
from pedrank.metrics._mixture import Shares, fit, of_clusters
from pedrank.observation.observation import Observation
from pedrank.observation.spectrum import leading_axes
from pedrank.utils.errors import InputError


@metric(
    title="NLEEP",
    paper="Li et al. 2021, NLEEP, CVPR",
    # Assumes that 80 % of the variance lie in at most D / 4 components, and that a row meets few of the 5 C Gaussians.
    memory=lambda n, d, c: 8 * (4 * d * d + 2**23 + 2**22 + 2 * n * (d // 4) + 3 * n * c),
)
def nleep(
    observation: Observation,
    components_per_class: int = 5,
    variance: float = 0.8,
    seeds: int = 3,
    seed: int = 0,
    mode: str = "as_released",
) -> float:
    """Likelihood of the labels given the Gaussian mixture components that samples fall into.

    Li et al. 2021, "Ranking neural checkpoints". Features are projected on the principal components that hold 80 % of
    the variance. A mixture of K = 5 C full-covariance Gaussians is fitted by EM from k-means. With p(v | x) the
    responsibility of component v (Eq. 2-4):

        p(y | x) = sum_v p(y | v) p(v | x),    p(y | v) = sum_{n: y_n = y} p(v | x_n) / sum_n p(v | x_n)

    The score is the mean of p(y_n | x_n) in mode "as_released" and the mean of its logarithm in mode "paper", averaged
    over several starts of the mixture (the released code fits one, unseeded). Higher = better; in (0, 1] as released.

    Needs features; O(N D^2 + D^3) for the projection on d components, O(N K d) for k-means and for the bounds that
    tell which components a sample can belong to, then O(d min(d, N / K)) per EM step for each such pair of sample and
    component; O(D^2 + N d + N K + K d^2) memory. Weak because it depends on the start, and where a component has fewer
    than d samples: only the 1e-6 on its diagonal then keeps its covariance from being singular, and EM stays where
    k-means left it.

    Args:
        observation: Features and labels.
        components_per_class: Mixture components per class; K is at most N.
        variance: Share of the variance that the projection keeps, in (0, 1).
        seeds: Number of starts to average over.
        seed: Seed of the first start; the others follow it.
        mode: "as_released" or "paper".

    Raises:
        InputError: The mode is unknown.

    >>> from pedrank.observation.observation import observe
    >>> noise, labels = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], 20)
    >>> near, far = (observe(noise + gap * labels[:, None], labels) for gap in (0.5, 5))
    >>> nleep(near) < nleep(far)
    True
    """
    if mode not in ("as_released", "paper"):
        raise InputError(f"nleep: unknown mode '{mode}'; choose as_released or paper")
    k, starts = min(components_per_class * observation.c, observation.n), range(seed, seed + seeds)
    scores = []
    for shares in _mixtures(observation, variance, k, starts):
        probability = _label_probability(shares, observation.labels)
        scores.append(np.mean(probability if mode == "as_released" else np.log(probability)))
    return float(np.mean(scores))


def _mixtures(observation: Observation, variance: float, k: int, seeds: Sequence[int]) -> Iterator[Shares]:
    """Responsibilities of a mixture of k Gaussians from each start, on the observation's device."""
    if observation.device != "cpu":
        from pedrank.accelerator.mixtures import mixtures

        scatter = observation.total_scatter()
        for found in mixtures(observation.on_device(), scatter, observation.mean, variance, k, seeds):
            yield Shares(*found)
        return
    x = _project(observation, variance)
    for clusters in k_means(x, k, seeds):
        yield fit(x, of_clusters(clusters, k))


def label_probability(responsibilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """p(y_n | x_n) by LEEP's empirical conditional p(y | v) (Nguyen et al. 2020, Eq. 1-2).

    Args:
        responsibilities: (N, K), p(v | x_n).
        labels: (N,) integers in 0..C-1.

    Returns:
        (N,).

    >>> label_probability(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0, 1, 1]))
    array([0.5, 0.5, 1. ])
    """
    joint = np.array([responsibilities[labels == y].sum(axis=0) for y in range(labels.max() + 1)])
    total = joint.sum(axis=0)
    conditional = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return np.einsum("nv,nv->n", responsibilities, conditional[labels])


def _label_probability(shares: Shares, labels: np.ndarray) -> np.ndarray:
    """The same from responsibilities without the negligible ones."""
    components, own = shares.components, labels[shares.rows]
    shape = len(shares.ends) - 1, labels.max() + 1
    cells = components * shape[1] + own
    joint = np.bincount(cells, shares.values, shape[0] * shape[1]).reshape(shape)
    total = joint.sum(axis=1, keepdims=True)
    conditional = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return np.bincount(shares.rows, shares.values * conditional.ravel()[cells], len(labels))


def _project(observation: Observation, variance: float) -> np.ndarray:
    """Centred features on the fewest principal components that hold more than `variance` of the variance (N, d)."""
    axes = leading_axes(observation.total_scatter(), variance)
    projected = np.empty((observation.n, axes.shape[1]))
    for part, block in observation.blocks():
        block -= observation.mean
        np.matmul(block, axes, out=projected[part])
    return projected
