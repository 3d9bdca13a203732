"""k-NN for targets that are no classes: the mean target of the nearest other samples."""

from __future__ import annotations

import numpy as np

from pedrank.regression.targets import checked_rows
from pedrank.utils.errors import InputError

K = 5  # neighbours, as in scikit-learn; a single one passes on all of its noise
_ROWS = 512  # rows per step, each compared with all others


def knn_outputs(features: np.ndarray, targets: np.ndarray, k: int = K, distance: str = "euclidean") -> np.ndarray:
    """Mean target of the k nearest other samples (leave-one-out), each neighbour weighted alike.

    O(N^2 D) time, O(N D) memory, in float32 as `pedrank.metrics.knn`. Weak against duplicates: the copy of a sample is
    its nearest neighbour and passes on its target. Neighbours at the same distance as the k-th share its weight, so the
    order of the rows does not matter.

    Args:
        features: (N, D) real numbers.
        targets: (N, K) real numbers, or 0 and 1 for several labels.
        k: Number of neighbours, from 1 to N - 1.
        distance: "euclidean" or "cosine".

    Returns:
        (N, K).

    Raises:
        InputError: k is out of its range, the distance is unknown, or features are unusable.

    >>> knn_outputs(np.array([[0.0], [1.0], [5.0]]), np.array([[10.0], [20], [30]]), k=1).ravel()
    array([20., 10., 20.])
    """
    rows = checked_rows(features, len(targets))
    if not 1 <= k < len(rows):
        raise InputError(f"knn: k is {k}; choose from 1 to {len(rows) - 1}")
    if distance not in ("euclidean", "cosine"):
        raise InputError(f"knn: unknown distance '{distance}'; choose euclidean or cosine")
    if distance == "cosine":
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(lengths > 0, lengths, 1)  # of one length, the nearest is the least angle
    else:
        rows -= rows.mean(axis=0)  # same distances, with more digits in float32
    close = rows.astype(np.float32)
    half_norms = np.einsum("nd,nd->n", close, close) / 2
    outputs = np.empty(targets.shape)
    for start in range(0, len(close), _ROWS):
        nearness = close[start : start + _ROWS] @ close.T
        nearness -= half_norms
        here = np.arange(len(nearness))
        nearness[here, start + here] = -np.inf
        last = np.partition(nearness, -k, axis=1)[:, [-k]]
        nearer, tied = nearness > last, nearness == last
        share = (k - nearer.sum(axis=1)) / tied.sum(axis=1)
        outputs[start : start + _ROWS] = (nearer @ targets + share[:, None] * (tied @ targets)) / k
    return outputs
