"""Energy: how high the features are, taken as logits."""

from __future__ import annotations

from pedrank.metrics import metric
from pedrank.metrics._fisher import log_sum_exp
from pedrank.observation.observation import Observation


@metric(memory=lambda n, d, c: 8 * 2**24)
def energy(observation: Observation) -> float:
    """Mean over samples of ln(sum_d exp(z_d)), the negative free energy of the features taken as logits.

    The energy part of ETran: Gholami et al. 2023, "ETran: energy-based transferability estimation", with all samples
    and, for lack of a head in self-supervised checkpoints, the features for logits. Unbounded, higher = better. Needs
    features, read once more; O(N D) time, a block of memory. Weak in that it sees no label, and follows the scale of
    the features: a control more than a metric.
    """
    return float(sum(log_sum_exp(block).sum() for _, block in observation.blocks()) / observation.n)
