"""k-NN: leave-one-out accuracy of the nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError
from pedrank.utils.float32 import scale_for_float32
from pedrank.utils.parallel import each_share, one_blas_thread, thread_count

_ROWS = 1024  # rows of a block; two blocks are compared at a time


@metric(
    title="k-NN",
    paper="Bolya et al. 2021, PARC (a baseline of it), NeurIPS",
    memory=lambda n, d, c: 4 * n * d + 48 * n + thread_count() * (12 * n + 24 * min(n, _ROWS) ** 2) + 2**25,
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
    guess = _vote(labels[_nearest(_rows(observation, distance), k)], observation.c)
    return int((guess == labels).sum()) / observation.n


def _rows(observation: Observation, distance: str) -> np.ndarray:
    """Rows (N, D) in float32 whose Euclidean distances order neighbours like the given distance."""
    rows = np.empty((observation.n, observation.d), dtype=np.float32)
    for part, block in observation.blocks():
        if distance == "cosine":
            lengths = np.linalg.norm(block, axis=1, keepdims=True)
            rows[part] = block / np.where(lengths > 0, lengths, 1)  # of one length, the nearest is the least angle
        else:
            rows[part] = block - observation.mean  # same distances, with more digits in float32
    rows *= np.float32(scale_for_float32(rows))
    return rows


def _nearest(rows: np.ndarray, k: int) -> np.ndarray:
    """Numbers (N, k) of the nearest other rows of every row, the nearest one first.

    Each product of two blocks of rows serves the rows of both.

    Args:
        rows: (N, D) float32.
        k: From 1 to N - 1.
    """
    n, halves = len(rows), np.einsum("nd,nd->n", rows, rows) / 2
    blocks = [slice(start, min(start + _ROWS, n)) for start in range(0, n, _ROWS)]
    found: list[_Neighbours] = []

    def share(numbers: range) -> None:
        own = _Neighbours(np.full((n, k), -np.inf, dtype=np.float32), np.full((n, k), n))
        for number in numbers:
            here = blocks[number]
            for there in blocks[number:]:
                nearness = rows[here] @ rows[there].T  # minus half the squared distance, after the next two lines
                nearness -= halves[there]
                nearness -= halves[here, None]
                if here == there:
                    np.fill_diagonal(nearness, -np.inf)
                else:
                    own.add(there, nearness.T, here.start)
                own.add(here, nearness, there.start)
        found.append(own)

    with one_blas_thread():
        each_share(share, len(blocks))
    first, *others = found
    for place in blocks:
        for other in others:
            first.merge(place, other.nearness[place], other.numbers[place])
    return first.numbers


@dataclass(frozen=True)
class _Neighbours:
    """The nearest rows among those that were seen, in any order.

    Attributes:
        nearness: (N, k) minus half the squared distance, in descending order; minus infinity for none.
        numbers: (N, k) row numbers; N for none.
    """

    nearness: np.ndarray
    numbers: np.ndarray

    def add(self, place: slice, nearness: np.ndarray, start: int) -> None:
        """See more rows.

        Args:
            place: The R rows whose neighbours they may be.
            nearness: (R, M).
            start: Number of the first of the M rows.
        """
        k = self.numbers.shape[1]
        if k == 1:
            best = nearness.argmax(axis=1)[:, None]
        elif k < nearness.shape[1]:
            best = np.argpartition(nearness, -k, axis=1)[:, -k:]
        else:
            best = np.broadcast_to(np.arange(nearness.shape[1]), nearness.shape)
        self.merge(place, np.take_along_axis(nearness, best, axis=1), start + best)

    def merge(self, place: slice, nearness: np.ndarray, numbers: np.ndarray) -> None:
        """See the nearest (R, m) among more rows; of equally near rows, the one with the smallest number is kept."""
        k = self.numbers.shape[1]
        nearness = np.concatenate([self.nearness[place], nearness], axis=1)
        numbers = np.concatenate([self.numbers[place], numbers], axis=1)
        best = np.lexsort([numbers, -nearness])[:, :k]
        self.nearness[place] = np.take_along_axis(nearness, best, axis=1)
        self.numbers[place] = np.take_along_axis(numbers, best, axis=1)


def _vote(neighbours: np.ndarray, classes: int) -> np.ndarray:
    """Most frequent class (N,) of labels (N, k), which are ordered from the nearest; the nearest decides ties."""
    if neighbours.shape[1] == 1:
        return neighbours[:, 0]
    votes = np.zeros((len(neighbours), classes))
    rows = np.arange(len(neighbours))
    for label in neighbours.T:
        votes[rows, label] += 1
    return neighbours[rows, votes[rows[:, None], neighbours].argmax(axis=1)]
