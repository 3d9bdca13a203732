"""NCE: negative conditional entropy of labels, for checkpoints with a classification head."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation
from pedrank.utils.arrays import as_numpy
from pedrank.utils.errors import InputError


@metric(title="NCE", paper="Tran et al. 2019, NCE, ICCV", memory=lambda n, d, c: 8 * 8 * n)
def nce(observation: Observation, source_labels: np.ndarray | None = None) -> float:
    """-H(Y | Z) in nats, where z_n is the class that the checkpoint's own head predicts for sample n.

    Tran et al. 2019, "Transferability and hardness of supervised classification tasks", Eq. 3. In [-ln C, 0], higher =
    better. Needs `source_labels` and no features; O(N + C Z) time. A refinement of the features does not change it.
    Weak where the head is unsure, because only its first choice counts.

    Args:
        observation: Labels of N samples.
        source_labels: (N,) integers, the classes that the checkpoint's head predicts.

    Raises:
        InputError: The source labels are missing, of another shape, or not integers.

    >>> from pedrank.observation.observation import observe
    >>> y = np.array([0, 0, 1, 1])
    >>> round(nce(observe(np.zeros((4, 1)), y), source_labels=np.array([0, 0, 0, 1])), 3)
    -0.477
    """
    if source_labels is None:
        raise InputError(
            "nce: `source_labels` are missing; give the pre-training class that the checkpoint predicts for each sample"
        )
    source_labels = as_numpy(source_labels)
    if source_labels.shape != observation.labels.shape or source_labels.dtype.kind not in "iu":
        raise InputError(f"nce: `source_labels` must be {observation.n} integers, one for each sample")
    _, source = np.unique(source_labels, return_inverse=True)
    joint = np.zeros((observation.c, source.max() + 1))
    np.add.at(joint, (observation.labels, source), 1 / observation.n)
    conditional = joint / joint.sum(axis=0)
    return float((joint[joint > 0] * np.log(conditional[joint > 0])).sum())
