"""LEEP: log expected empirical prediction, for checkpoints with a classification head."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.metrics.nleep import label_probability
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError


@metric(memory=lambda n, d, c: 8 * n * c)
def leep(observation: Observation, probabilities: np.ndarray | None = None) -> float:
    """Mean over samples of ln(sum_z p(y_n | z) p(z | x_n)), p(z | x) the checkpoint's class probabilities (N, Z).

    Nguyen et al. 2020, "LEEP: a new measure to evaluate transferability of learned representations", Eq. 1-3. At most
    0, higher = better. Needs `probabilities`, no features; O(N Z) time. A refinement of the features does not change
    it. Weak where the checkpoint's classes say nothing about the task; self-supervised checkpoints have none.
    """
    if probabilities is None:
        raise InputError("leep: give probabilities (N, Z) of the checkpoint's own classes; without a head use nleep")
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or len(probabilities) != observation.n:
        raise InputError(f"leep: probabilities {probabilities.shape} do not fit {observation.n} samples")
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise InputError("leep: probabilities must be non-negative and sum to 1 along each row; apply a softmax first")
    return float(np.log(label_probability(probabilities, observation.labels)).mean())
