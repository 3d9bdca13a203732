"""Feature norm: a control without labels."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation


@metric(memory=lambda n, d, c: 8 * 2**24)
def feature_norm(observation: Observation) -> float:
    """Mean Euclidean norm of a sample's features.

    Needs features, read once more; O(N D) time, a block of memory. Positive; "higher = better" is a convention.
    Weak by intention: it knows nothing of the task, and a metric that does not rank better has learned nothing.
    """
    return float(sum(np.linalg.norm(block, axis=1).sum() for _, block in observation.blocks()) / observation.n)
