"""RankMe: effective rank of the features."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation


@metric(
    title="RankMe",
    paper="Garrido et al. 2023, RankMe, ICML",
    needs="statistics",
    memory=lambda n, d, c: 8 * (4 * d * d + 2**23),
)
def rankme(observation: Observation) -> float:
    """exp(-sum_k p_k ln p_k) with p_k = s_k / sum(s) + 1e-7, s the singular values of the uncentred features.

    Garrido et al. 2023, "RankMe: assessing the downstream performance of pretrained self-supervised representations
    by their rank", Eq. 1. In about [1, min(N, D)], higher = better. Needs statistics only; O(N D^2 + D^3) time,
    O(D^2) memory. Singular values below 1e-8 of the largest are lost; the 1e-7 that the formula adds is larger. Weak
    by intention: it sees no label.

    >>> from pedrank.observation.observation import observe
    >>> round(rankme(observe(np.eye(4), np.array([0, 0, 1, 1]))), 3)
    4.0
    """
    n = observation.n
    squares = np.linalg.eigvalsh(observation.total_scatter() + n * np.outer(observation.mean, observation.mean))
    singular = np.sqrt(np.maximum(squares[::-1][: min(n, observation.d)], 0))
    share = singular / singular.sum() + 1e-7
    return float(np.exp(-(share * np.log(share)).sum()))
