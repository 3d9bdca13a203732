"""Class statistics of features, and the reference statistics that PED rescales by.

Classes move rigidly under PED, so everything it needs, and most of what the metrics need, is here: how many samples a
class has, its mean, its variance per feature, and the scatter of all samples around their class means. Everything is
accumulated in float64 by blocks of rows, so that memory-mapped float32 features are read once and never copied whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pedrank.checks import check_features, check_labels, refuse_non_finite
from pedrank.errors import InputError
from pedrank.parallel import each

STD_FLOOR = 1e-3  # of the released code; without it a dead ReLU channel would divide by zero

_BLOCK = 16384  # rows read at a time: what is sequential on disk stays so
_PIECE = 96  # rows summed at a time: their float64 copy stays in the processor's cache


@dataclass(frozen=True)
class ClassStatistics:
    """Counts (C,), means (C, D) and variances (C, D; divided by n, ddof = 0) of the classes of one feature set."""

    counts: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def from_features(cls, features: np.ndarray, labels: np.ndarray) -> ClassStatistics:
        """Statistics of features (N, D) by labels (N,) in 0..C-1; O(N D) time, O(C D) memory.

        Squared deviations are taken from the mean of a few rows and merged (Chan, Golub & LeVeque 1983), which loses no
        digits however large the mean is. Raises InputError for bad labels, shapes, or non-finite features.
        """
        features, labels = np.asarray(features), np.asarray(labels)
        counts = check_labels(labels)
        check_features(features, len(labels))
        sums = ClassSums(len(counts), features.shape[1])
        for start in range(0, len(labels), _BLOCK):
            sums.add(features[start : start + _BLOCK], labels[start : start + _BLOCK])
        if not sums.finite:
            refuse_non_finite(features)
        return sums.statistics()

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())


class ClassSums:
    """Class statistics in the making, of features that come in blocks of rows, each seen once."""

    def __init__(self, classes: int, dims: int) -> None:
        self.seen = np.zeros(classes, dtype=np.int64)
        self.means = np.zeros((classes, dims))
        self.squares = np.zeros((classes, dims))

    def add(self, block: np.ndarray, labels: np.ndarray) -> None:
        """Add rows (n, D) with their labels (n,)."""
        order = np.argsort(labels, kind="stable")
        present, first = np.unique(labels[order], return_index=True)
        rows_of = dict(zip(present.tolist(), np.split(order, first[1:]), strict=True))

        def merge(label: int) -> None:
            rows = rows_of[label]
            for piece in np.array_split(rows, -(-len(rows) // _PIECE)):
                values = block[piece].astype(np.float64)
                mean = values.sum(axis=0) / len(piece)
                values -= mean
                shift = mean - self.means[label]
                total = self.seen[label] + len(piece)
                self.squares[label] += np.einsum("nd,nd->d", values, values)
                self.squares[label] += shift**2 * (self.seen[label] * len(piece) / total)
                self.means[label] += shift * (len(piece) / total)
                self.seen[label] = total

        with np.errstate(invalid="ignore", over="ignore"):
            each(merge, rows_of)

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.means).all() and np.isfinite(self.squares).all())

    def statistics(self) -> ClassStatistics:
        """Of the rows added so far; every class must have been seen."""
        return ClassStatistics(self.seen, self.means, self.squares / self.seen[:, None])


def within_scatter(features: np.ndarray, labels: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Within-class scatter (D, D), float64: the sum over samples of (z - mean of its class)(z - mean of its class)^T.

    O(N D^2) time, half of it saved by symmetry; O(D^2) memory.
    """
    total = np.zeros((means.shape[1],) * 2)
    step = block_rows(means.shape[1])
    for start in range(0, len(labels), step):
        rows = slice(start, start + step)
        block = features[rows] - means[labels[rows]]
        total += block.T @ block  # NumPy sees the symmetry and calls syrk
    return total


def block_rows(dims: int) -> int:
    """Rows of a float64 block of about 64 MiB: large enough for BLAS, small beside the features."""
    return max(1024, 2**23 // dims)


@dataclass(frozen=True)
class ReferenceStatistics:
    """Mean (D,) and standard deviation (D,) of features of reference images; PED rescales by them (Alg. 1, line 2).

    The standard deviation is floored (the released code's 1e-3, the paper has no floor).
    """

    mean: np.ndarray
    std: np.ndarray
    floor: float = field(default=STD_FLOOR, repr=False)

    def __post_init__(self) -> None:
        mean, std = np.asarray(self.mean, dtype=np.float64), np.asarray(self.std, dtype=np.float64)
        if mean.ndim != 1 or mean.shape != std.shape:
            raise InputError(
                f"reference statistics: mean {mean.shape} and std {std.shape} must be vectors of one length"
            )
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std >= 0).all()):
            raise InputError("reference statistics: a mean or std is not finite or a std is negative; make them again")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", np.maximum(std, self.floor))

    @classmethod
    def from_features(cls, features: np.ndarray) -> ReferenceStatistics:
        """Statistics of reference features (R, D), ddof = 0; InputError when they are empty or not finite."""
        features = np.asarray(features)
        check_features(features, name="reference features")
        total = np.zeros(features.shape[1])
        squares = np.zeros_like(total)
        step = block_rows(features.shape[1])
        blocks = [slice(start, start + step) for start in range(0, len(features), step)]
        for rows in blocks:
            total += features[rows].sum(axis=0, dtype=np.float64)
        mean = total / len(features)
        if not np.isfinite(mean).all():
            refuse_non_finite(features, "reference features")
        for rows in blocks:
            squares += ((features[rows] - mean) ** 2).sum(axis=0)
        return cls(mean, np.sqrt(squares / len(features)))
