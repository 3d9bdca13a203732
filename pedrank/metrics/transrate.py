"""TransRate: coding rate of all features minus the mean coding rate of the classes."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation


@metric(title="TransRate", paper="Huang et al. 2022, TransRate, ICML", memory=lambda n, d, c: 8 * (5 * d * d + 2**23))
def transrate(observation: Observation, eps: float = 1e-4) -> float:
    """Coding rate of the centred features minus the unweighted mean of the coding rates of the classes.

    Huang et al. 2022, "Frustratingly easy transferability estimation", as in the Transfer-Learning-Library:

        TrR = R(Z) - 1/C sum_c R(Z_c),    R(A) = 1/2 ln det(I + A^T A / (n_A eps)),    Z centred once, over all classes.

    Higher = better, at least 0 for classes of one size. Needs features; O(N D^2 + sum_c min(n_c, D)^2 max(n_c, D))
    time, O(D^2) memory: the determinant of a class with n_c < D is that of its n_c x n_c Gram matrix (Sylvester).
    Weak because it grows with the scale of the features and with D, so it can only compare checkpoints of one
    architecture. The paper weights classes by their size; the library and this code do not.

    Args:
        observation: Features and labels.
        eps: Squared distortion of the coding rate; positive.

    >>> from pedrank.observation.observation import observe
    >>> corners = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]).repeat(2, axis=0)
    >>> apart, mixed = np.arange(8) // 2, np.arange(8) % 2  # one class per corner; two classes, each on all corners
    >>> round(transrate(observe(corners, apart)), 2), round(transrate(observe(corners, mixed)), 2)
    (3.91, 0.0)
    """
    classes = [
        _coding_rate(_gram(observation, np.flatnonzero(observation.labels == label)), count, eps)
        for label, count in enumerate(observation.counts)
    ]
    return _coding_rate(observation.total_scatter(), observation.n, eps) - float(np.mean(classes))


def _gram(observation: Observation, rows: np.ndarray) -> np.ndarray:
    """Gram matrix of the centred features of some rows: of the rows if they are fewer than D, else D x D by blocks."""
    blocks = (block - observation.mean for _, block in observation.blocks(rows))
    if len(rows) < observation.d:
        own = np.concatenate(list(blocks))
        return own @ own.T
    gram = np.zeros((observation.d, observation.d))
    for block in blocks:
        gram += block.T @ block
    return gram


def _coding_rate(gram: np.ndarray, n: int, eps: float) -> float:
    """Coding rate R of n samples from their Gram matrix, D x D or n x n."""
    return 0.5 * float(np.linalg.slogdet(np.eye(len(gram)) + gram / (n * eps))[1])
