"""Energy: log-sum-exp of the features."""

from __future__ import annotations

from pedrank.metrics import metric
from pedrank.metrics._fisher import log_sum_exp
from pedrank.observation.observation import Observation


@metric(title="Energy", paper="Gholami et al. 2023, ETran, ICCV", memory=lambda n, d, c: 8 * 2**23)
def energy(observation: Observation) -> float:
    """Mean over samples of ln(sum_d exp(z_d)): the negative free energy, with the features used as logits.

    The energy part of ETran: Gholami et al. 2023, "ETran: energy-based transferability estimation". All samples count,
    and features replace logits because self-supervised checkpoints have no head. Unbounded, higher = better. Needs
    features, read once more; O(N D) time, memory of one block. Weak because it sees no label and follows the scale of
    the features: a control more than a metric.

    >>> import numpy as np
    >>> from pedrank.observation.observation import observe
    >>> round(energy(observe(np.zeros((4, 8)), np.array([0, 0, 1, 1]))), 3)  # ln 8
    2.079
    """
    return float(sum(log_sum_exp(block).sum() for _, block in observation.blocks()) / observation.n)
