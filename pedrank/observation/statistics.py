"""Class statistics of features, and the reference statistics that PED rescales by.

Classes move rigidly under PED, so everything it needs, and most of what the metrics need, is here: how many samples a
class has, its mean, its variance per feature, and the scatter of all samples around their class means. Everything is
accumulated in float64 by blocks of rows, so that memory-mapped float32 features are read once and never copied whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pedrank.utils.checks import check_features, check_labels, refuse_non_finite
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import each, each_share

STD_FLOOR = 1e-3  # of the released code; without it a dead ReLU channel would divide by zero

_BLOCK = 16384  # rows read at a time: what is sequential on disk stays so
_CANCELLED = 1e-6  # share of a sum of squares below which the difference from its mean has lost digits
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

        Sums and sums of squares are read in one go. Where a mean is so much larger than its deviations that their
        difference loses digits, the features are read once more for the deviations themselves. Raises InputError for
        bad labels, shapes, or non-finite features.
        """
        features, labels = np.asarray(features), np.asarray(labels)
        counts = check_labels(labels)
        check_features(features, len(labels))
        with np.errstate(invalid="ignore", over="ignore"):
            sums, squares = _class_sums(features, labels, np.zeros((len(counts), features.shape[1])))
        if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
            refuse_non_finite(features)
        means = sums / counts[:, None]
        deviations = np.subtract(squares, np.multiply(sums, means, out=sums), out=sums)  # three arrays (C, D) in all
        squares *= _CANCELLED
        if (deviations < squares)[counts > 1].any():
            shifts, deviations = _class_sums(features, labels, means)
            deviations -= shifts**2 / counts[:, None]
        np.maximum(deviations, 0.0, out=deviations)
        deviations /= counts[:, None]
        return cls(counts, means, deviations)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ClassStatistics:
        """What `arrays` gave, as read from a file."""
        return cls(*(arrays[name] for name in ("counts", "means", "variances")))

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, for a file."""
        return {"counts": self.counts, "means": self.means, "variances": self.variances}

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())


def _class_sums(features: np.ndarray, labels: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, D) and sums of squares (C, D) of features (N, D) less the origin (C, D) of their class."""
    sums, squares = np.zeros_like(origins), np.zeros_like(origins)
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        _add_block(features[rows], labels[rows], origins, sums, squares)
    return sums, squares


def _add_block(
    features: np.ndarray, labels: np.ndarray, origins: np.ndarray, sums: np.ndarray, squares: np.ndarray
) -> None:
    """Add a block's rows to the sums and sums of squares of their classes, each core the classes of its share."""
    order = np.argsort(labels, kind="stable")
    present, first = np.unique(labels[order], return_index=True)
    members = np.split(order, first[1:])
    shifted = origins.any()

    def add(classes: range) -> None:
        rows_read = np.empty((_PIECE, features.shape[1]), features.dtype)
        values = np.empty(rows_read.shape)
        for index in classes:
            label, rows = present[index], members[index]
            for start in range(0, len(rows), _PIECE):
                piece = rows[start : start + _PIECE]
                read, some = rows_read[: len(piece)], values[: len(piece)]
                some[...] = np.take(features, piece, axis=0, out=read, mode="clip")  # "raise" would copy once more
                if shifted:
                    some -= origins[label]
                sums[label] += some.sum(axis=0)
                squares[label] += np.einsum("nd,nd->d", some, some)

    each_share(add, len(present))


def within_scatter(features: np.ndarray, labels: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Within-class scatter (D, D), float64: the sum over samples of (z - mean of its class)(z - mean of its class)^T.

    O(N D^2) time, half of it saved by symmetry; O(D^2) memory.
    """
    total = np.zeros((means.shape[1],) * 2)
    step = block_rows(means.shape[1])
    deviations = np.empty((min(step, len(labels)), means.shape[1]))
    for start in range(0, len(labels), step):
        rows = slice(start, start + step)
        block = _subtract_means(features[rows], labels[rows], means, deviations[: len(labels[rows])])
        total += block.T @ block  # NumPy sees the symmetry and calls syrk
    return total


def _subtract_means(features: np.ndarray, labels: np.ndarray, means: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Rows (n, D) less the means (C, D) of their classes, into `out`, on all cores and a cacheful at a time."""

    def subtract(start: int) -> None:
        rows = slice(start, start + _PIECE)
        np.take(means, labels[rows], axis=0, out=out[rows], mode="clip")
        np.subtract(features[rows], out[rows], out=out[rows])

    each(subtract, range(0, len(labels), _PIECE))
    return out


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

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, for a file."""
        return {"mean": self.mean, "std": self.std}

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

    @classmethod
    def from_classes(cls, statistics: ClassStatistics) -> ReferenceStatistics:
        """Statistics of all samples of the classes together: var = sum_c n_c (var_c + (mean_c - mean)^2) / n."""
        shares = statistics.counts[:, None] / statistics.n
        mean = (shares * statistics.means).sum(axis=0)
        variance = (shares * (statistics.variances + (statistics.means - mean) ** 2)).sum(axis=0)
        return cls(mean, np.sqrt(variance))
