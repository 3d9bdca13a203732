"""Feature norm: a control without labels."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation


@metric(title="Feature norm", paper="no paper: a control of this package", memory=lambda n, d, c: 8 * 2**23)
def feature_norm(observation: Observation) -> float:
    """Mean Euclidean norm of a sample's features.

    Needs features, read once more; O(N D) time, memory of one block. Positive; "higher = better" is a convention.
    Weak by intention: it ignores the labels, so a metric that ranks no better gains nothing from them.

    >>> from pedrank.observation.observation import observe
    >>> feature_norm(observe(np.array([[3.0, 4.0], [0.0, 1.0], [6.0, 8.0], [0.0, 0.0]]), np.array([0, 0, 1, 1])))
    4.0
    """
    return float(sum(np.linalg.norm(block, axis=1).sum() for _, block in observation.blocks()) / observation.n)
