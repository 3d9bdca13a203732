"""TransRate: coding rate of all features against that of each class."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation import Observation


@metric(memory=lambda n, d, c: 8 * 3 * d * d)
def transrate(observation: Observation, eps: float = 1e-4) -> float:
    """Coding rate of the centred features minus the unweighted mean of the coding rates of the classes.

    Huang et al. 2022, "Frustratingly easy transferability estimation", as in the Transfer-Learning-Library:

        TrR = R(Z) - 1/C sum_c R(Z_c),    R(A) = 1/2 ln det(I + A^T A / (n_A eps)),    Z centred once, over all classes.

    Higher = better. Needs features; O(N D^2 + sum_c min(n_c, D)^2 max(n_c, D)) time, O(D^2) memory: the determinant of a
    class with n_c < D is taken from its n_c x n_c Gram matrix (Sylvester).
    Weak in that it grows with the scale of the features and with D, so that it compares checkpoints of one architecture
    only; the paper weights classes by their size, the library does not.
    """
    spread = observation.means - observation.mean
    total = observation.within_scatter() + (spread.T * observation.counts) @ spread
    order = np.argsort(observation.labels, kind="stable")
    classes = []
    for rows, offset in zip(np.split(order, np.cumsum(observation.counts)[:-1]), _offsets(observation), strict=True):
        own = observation.features[rows] - offset
        gram = own @ own.T if len(own) < observation.d else own.T @ own
        classes.append(_coding_rate(gram, len(own), eps))
    return _coding_rate(total, observation.n, eps) - float(np.mean(classes))


def _offsets(observation: Observation) -> np.ndarray:
    """What to take from a class's stored features (C, D) so that they are moved and centred."""
    moved = 0 if observation.displacement is None else observation.displacement
    return observation.mean - moved + np.zeros_like(observation.means)


def _coding_rate(gram: np.ndarray, n: int, eps: float) -> float:
    """R of n samples from their Gram matrix, D x D or n x n."""
    return 0.5 * float(np.linalg.slogdet(np.eye(len(gram)) + gram / (n * eps))[1])
