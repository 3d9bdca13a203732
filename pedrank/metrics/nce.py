"""NCE: negative conditional entropy of labels, for checkpoints with a classification head."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError


@metric(memory=lambda n, d, c: 8 * n)
def nce(observation: Observation, source_labels: np.ndarray | None = None) -> float:
    """-H(Y | Z) in nats, with z_n the class (N,) that the checkpoint's own head gives sample n.

    Tran et al. 2019, "Transferability and hardness of supervised classification tasks", Eq. 3. In [-ln C, 0], higher =
    better. Needs `source_labels`, no features; O(N + C Z) time. A refinement of the features does not change it.
    Weak where the head is unsure, since only its first choice counts.
    """
    if source_labels is None:
        raise InputError("nce: give source_labels, the class of the checkpoint's head for each sample (N,)")
    source_labels = np.asarray(source_labels)
    if source_labels.shape != observation.labels.shape or source_labels.dtype.kind not in "iu":
        raise InputError(f"nce: source_labels must be {observation.n} integers, one for each sample")
    _, source = np.unique(source_labels, return_inverse=True)
    joint = np.zeros((observation.c, source.max() + 1))
    np.add.at(joint, (observation.labels, source), 1 / observation.n)
    conditional = joint / joint.sum(axis=0)
    return float((joint[joint > 0] * np.log(conditional[joint > 0])).sum())
