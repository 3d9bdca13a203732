"""k-NN: leave-one-out accuracy of the nearest neighbours."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

_ROWS = 1024  # rows per step, each compared with all others
_PART = 64  # rows whose neighbours are sorted at a time


@metric(
    title="k-NN",
    paper="Bolya et al. 2021, PARC (a baseline of it), NeurIPS",
    memory=lambda n, d, c: 4 * (n * d + min(n, _ROWS) * n) + 8 * (_PART * n + 4 * n + 2**23),
)
def knn(observation: Observation, k: int = 1, distance: str = "euclidean") -> float:
    """Share of samples whose class wins the vote of their k nearest other samples (Euclidean or cosine distance).

    If several classes have equally many votes, the class of the nearest sample wins. A baseline of Bolya et al. 2021,
    with k = 1. Common choices of k are 1, 5 and 20; Sorkhei et al. 2025 find k-NN best of 23 metrics [N: a note on the
    paper, not its text]. The cosine distance divides each sample by its length; samples of length zero keep it.

    Score in [0, 1], higher = better. Needs features, as a float32 copy; O(N^2 D) time, O(N D) memory.
    Weak against duplicates: the copy of a sample is its nearest neighbour and reveals its label.

    Args:
        observation: Features and labels.
        k: Number of neighbours, from 1 to N - 1.
        distance: "euclidean" or "cosine".

    Raises:
        InputError: k is out of its range, or the distance is unknown.

    >>> from pedrank.observation.observation import observe
    >>> knn(observe(np.array([[0.0], [1.0], [2.5], [5.0], [6.0]]), np.array([0, 0, 1, 1, 1])))
    0.8
    """
    if not 1 <= k < observation.n:
        raise InputError(f"knn: k is {k}; choose from 1 to {observation.n - 1}")
    if distance not in ("euclidean", "cosine"):
        raise InputError(f"knn: unknown distance '{distance}'; choose euclidean or cosine")
    labels = observation.labels
    if observation.device != "cpu":
        from pedrank.accelerator.neighbours import nearest_rows

        found = labels[nearest_rows(observation.on_device(), observation.mean, k, distance)]
        return int((_vote(found, observation.c) == labels).sum()) / observation.n
    rows = np.empty((observation.n, observation.d), dtype=np.float32)
    for part, block in observation.blocks():
        if distance == "cosine":
            lengths = np.linalg.norm(block, axis=1, keepdims=True)
            rows[part] = block / np.where(lengths > 0, lengths, 1)  # of one length, the nearest is the least angle
        else:
            rows[part] = block - observation.mean  # same distances, with more digits in float32
    half_norms = np.einsum("nd,nd->n", rows, rows) / 2
    right = 0
    space = np.empty((min(observation.n, _ROWS), observation.n), dtype=np.float32)
    for start in range(0, observation.n, _ROWS):
        some = rows[start : start + _ROWS]
        nearness = np.matmul(some, rows.T, out=space[: len(some)])
        nearness -= half_norms
        here = np.arange(len(nearness))
        nearness[here, start + here] = -np.inf
        if k == 1:
            guess = labels[nearness.argmax(axis=1)]
        else:
            parts = [nearness[first : first + _PART] for first in range(0, len(nearness), _PART)]
            nearest = np.concatenate([np.argpartition(part, -k, axis=1)[:, -k:].copy() for part in parts])
            order = (-np.take_along_axis(nearness, nearest, axis=1)).argsort(axis=1)
            guess = _vote(labels[np.take_along_axis(nearest, order, axis=1)], observation.c)
        right += int((guess == labels[start : start + _ROWS]).sum())
    return right / observation.n


def _vote(neighbours: np.ndarray, classes: int) -> np.ndarray:
    """Most frequent class (N,) of labels (N, k), which are ordered from the nearest; the nearest decides ties."""
    if neighbours.shape[1] == 1:
        return neighbours[:, 0]
    votes = np.zeros((len(neighbours), classes))
    rows = np.arange(len(neighbours))
    for label in neighbours.T:
        votes[rows, label] += 1
    return neighbours[rows, votes[rows[:, None], neighbours].argmax(axis=1)]
