"""NCM: leave-one-out accuracy of the nearest class mean."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import block_outputs, metric
from pedrank.observation.observation import Observation


@metric(
    title="NCM",
    paper="Mensink et al. 2013, Distance-based image classification, TPAMI",
    memory=lambda n, d, c: 8 * (2**23 + 4 * block_outputs(n, d, c)),
)
def ncm(observation: Observation) -> float:
    """Share of samples whose own class has the nearest mean (Euclidean), with the sample left out of that mean.

    Mensink et al. 2013, "Distance-based image classification". Leaving a sample out multiplies its distance from its
    class mean by n_c / (n_c - 1), so no mean is computed again. Score in [0, 1], higher = better; a class's only sample
    counts as wrong. Needs features, read once more; O(N D C) time, O(N C / blocks) memory. Weak where features have
    very different scales, because all features weigh the same.

    >>> from pedrank.observation.observation import observe
    >>> ncm(observe(np.array([[0.0], [1.0], [2.5], [5.0], [6.0]]), np.array([0, 0, 1, 1, 1])))
    0.8
    """
    counts = observation.counts
    means = observation.means - observation.mean
    right = 0
    for rows, block in observation.blocks():
        block -= observation.mean
        own = observation.labels[rows]
        distances = np.einsum("nd,nd->n", block, block)[:, None] + np.einsum("cd,cd->c", means, means)
        distances -= 2 * block @ means.T
        np.maximum(distances, 0, out=distances)
        mine = distances[np.arange(len(own)), own].copy()
        distances[np.arange(len(own)), own] = np.inf
        # Multiplied out: without its only sample a class has no mean, and that sample counts as wrong.
        right += int((mine * counts[own] ** 2 < distances.min(axis=1) * (counts[own] - 1) ** 2).sum())
    return right / observation.n
