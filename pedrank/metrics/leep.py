"""LEEP: log expected empirical prediction, for checkpoints with a classification head."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import check_memory, metric
from pedrank.metrics.nleep import label_probability
from pedrank.observation.observation import Observation
from pedrank.utils.arrays import as_numpy
from pedrank.utils.errors import InputError


@metric(title="LEEP", paper="Nguyen et al. 2020, LEEP, ICML", memory=lambda n, d, c: 8 * 2 * n * c)
def leep(observation: Observation, probabilities: np.ndarray | None = None) -> float:
    """Mean over samples of ln(sum_z p(y_n | z) p(z | x_n)), where z runs over the checkpoint's own classes.

    Nguyen et al. 2020, "LEEP: a new measure to evaluate transferability of learned representations", Eq. 1-3. At most
    0, higher = better. Needs `probabilities` and no features; O(N Z) time. A refinement of the features does not change
    it. Weak where the checkpoint's classes are unrelated to the task. Self-supervised checkpoints have no classes.

    Args:
        observation: Labels of N samples.
        probabilities: (N, Z) class probabilities p(z | x_n) of the checkpoint's own head.

    Raises:
        InputError: The probabilities are missing, of another shape, negative, or do not sum to 1 along each row.

    >>> from pedrank.observation.observation import observe
    >>> y = np.array([0, 0, 1, 1])
    >>> leep(observe(np.zeros((4, 1)), y), probabilities=np.eye(2)[y])
    0.0
    """
    if probabilities is None:
        raise InputError(
            "leep: `probabilities` (N, Z) are missing: the checkpoint's output over its Z pre-training classes; "
            "for a checkpoint without a classifier, use nleep"
        )
    probabilities = np.asarray(as_numpy(probabilities), dtype=np.float64)
    if probabilities.ndim != 2 or len(probabilities) != observation.n:
        raise InputError(
            f"leep: `probabilities` have shape {probabilities.shape}; give one row for each of the "
            f"{observation.n} samples"
        )
    check_memory("leep", observation, 8 * 2 * probabilities.size)
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise InputError(
            "leep: `probabilities` must be non-negative and sum to 1 along each row; apply a softmax first"
        )
    return float(np.log(label_probability(probabilities, observation.labels)).mean())
