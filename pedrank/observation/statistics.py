"""Class statistics of features, and the reference statistics that PED rescales by.

PED moves classes rigidly, so class sizes, means and variances are all that it needs. With the scatter of all samples
around their class means they are also most of what metrics need. Everything is accumulated in float64 by blocks of
rows, so memory-mapped float32 features are never copied whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pedrank.observation.spectrum import LARGE
from pedrank.utils.arrays import as_numpy
from pedrank.utils.checks import check_features, check_labels, refuse_non_finite
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import each, each_share

STD_FLOOR = 1e-3  # as released; without it, a dead ReLU channel would divide by zero

_BLOCK = 16384  # rows read at a time, in the order of the file
_MIRRORED = 256  # rows and columns of a symmetric matrix that are copied at a time
_CANCELLED = 1e-6  # share of a sum of squares; smaller deviations from the mean have lost digits
_PIECE = 96  # rows summed at a time: their float64 copy stays in the processor's cache


@dataclass(frozen=True)
class ClassStatistics:
    """Sizes, means and variances of the classes of one feature set.

    Attributes:
        counts: (C,) class sizes, integers of at least 1.
        means: (C, D) class means, float64.
        variances: (C, D) variances within each class, float64, divided by the class size (ddof = 0).

    >>> statistics = ClassStatistics.from_features(np.array([[0.0], [2.0], [5.0], [5.0]]), np.array([0, 0, 1, 1]))
    >>> statistics.counts, statistics.means[:, 0], statistics.variances[:, 0]
    (array([2, 2]), array([1., 5.]), array([1., 0.]))
    """

    counts: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def from_features(
        cls,
        features: np.ndarray,
        labels: np.ndarray,
        summed: Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> ClassStatistics:
        """Compute the statistics; O(N D) time, O(C D) memory.

        One pass over the features gives sums and sums of squares. Where a mean is much larger than its deviations, this
        loses digits; a second pass then sums the squared deviations themselves.

        Args:
            features: (N, D) real numbers.
            labels: (N,) integers that use every value of 0..C-1.
            summed: Adds up the features, as `class_sums` does, which it is by default; another device has its own.

        Raises:
            InputError: Labels or shapes are unusable, or a feature is not finite.
        """
        summed = summed or class_sums
        features, labels = as_numpy(features), as_numpy(labels)
        counts = check_labels(labels)
        check_features(features, len(labels))
        with np.errstate(invalid="ignore", over="ignore"):
            sums, squares = summed(features, labels, np.zeros((len(counts), features.shape[1])))
        if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
            refuse_non_finite(features)
        means = sums / counts[:, None]
        deviations = np.subtract(squares, np.multiply(sums, means, out=sums), out=sums)  # in place: three arrays (C, D)
        squares *= _CANCELLED
        if (deviations < squares)[counts > 1].any():
            shifts, deviations = summed(features, labels, means)
            deviations -= shifts**2 / counts[:, None]
        np.maximum(deviations, 0.0, out=deviations)
        deviations /= counts[:, None]
        return cls(counts, means, deviations)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ClassStatistics:
        """Inverse of `arrays`: statistics from arrays read from a file."""
        return cls(*(arrays[name] for name in ("counts", "means", "variances")))

    def arrays(self) -> dict[str, np.ndarray]:
        """Counts, means and variances by name, to be written to a file."""
        return {"counts": self.counts, "means": self.means, "variances": self.variances}

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())


def class_sums(features: np.ndarray, labels: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, D) and sums of squares (C, D) of features minus the origin of their class, float64.

    Args:
        features: (N, D) real numbers.
        labels: (N,) integers in 0..C-1.
        origins: (C, D).
    """
    sums, squares = np.zeros_like(origins), np.zeros_like(origins)
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        _add_block(features[rows], labels[rows], origins, sums, squares)
    return sums, squares


def _add_block(
    features: np.ndarray, labels: np.ndarray, origins: np.ndarray, sums: np.ndarray, squares: np.ndarray
) -> None:
    """Add a block's rows to the sums and sums of squares of their classes; each core takes a share of the classes."""
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
                some[...] = np.take(features, piece, axis=0, out=read, mode="clip")  # "raise" would make another copy
                if shifted:
                    some -= origins[label]
                sums[label] += some.sum(axis=0)
                squares[label] += np.einsum("nd,nd->d", some, some)

    each_share(add, len(present))


def within_scatter(features: np.ndarray, labels: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Within-class scatter: the sum over samples of (z - m_y)(z - m_y)^T, with m_y the mean of the sample's class.

    O(N D^2) time, halved by symmetry; O(D^2) memory.

    Args:
        features: (N, D) real numbers.
        labels: (N,) integers in 0..C-1.
        means: (C, D) class means.

    Returns:
        (D, D) float64.

    >>> within_scatter(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]), np.array([[1.0], [5.0]]))
    array([[2.]])
    """
    d = means.shape[1]
    total = np.zeros((d, d), order="F")
    step = block_rows(d)
    deviations = np.empty((min(step, len(labels)), d))
    for start in range(0, len(labels), step):
        rows = slice(start, start + step)
        block = _subtract_means(features[rows], labels[rows], means, deviations[: len(labels[rows])])
        if d < LARGE:
            total += block.T @ block
        else:  # as NumPy computes it, but without another D x D matrix for each block
            from scipy.linalg.blas import dsyrk

            total = dsyrk(1.0, block.T, beta=1.0, c=total, lower=1, overwrite_c=1)
    for start in range(0, d, _MIRRORED):
        stop = start + _MIRRORED
        total[start:stop, stop:] = total[stop:, start:stop].T
        corner = total[start:stop, start:stop]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
    return total.T  # symmetric, and row-major like other arrays


def _subtract_means(features: np.ndarray, labels: np.ndarray, means: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write rows (n, D) minus the means (C, D) of their classes into `out`, on all cores, in pieces of cache size."""

    def subtract(start: int) -> None:
        rows = slice(start, start + _PIECE)
        np.take(means, labels[rows], axis=0, out=out[rows], mode="clip")
        np.subtract(features[rows], out[rows], out=out[rows])

    each(subtract, range(0, len(labels), _PIECE))
    return out


def block_rows(dims: int) -> int:
    """Number of rows of a float64 block of about 64 MiB: large enough for BLAS, small compared with the features.

    >>> block_rows(2048)
    4096
    """
    return max(1024, 2**23 // dims)


@dataclass(frozen=True)
class ReferenceStatistics:
    """Mean and standard deviation of the features of reference images, by which PED rescales (Alg. 1, line 2).

    Attributes:
        mean: (D,) float64.
        std: (D,) float64, at least `floor`.
        floor: Smallest standard deviation: 1e-3 as released; the paper has no floor.

    Raises:
        InputError: The vectors differ in length, a value is not finite, or a standard deviation is negative.

    >>> ReferenceStatistics.from_features(np.array([[0.0, 1.0], [2.0, 1.0]]))
    ReferenceStatistics(mean=array([1., 1.]), std=array([1.   , 0.001]))
    """

    mean: np.ndarray
    std: np.ndarray
    floor: float = field(default=STD_FLOOR, repr=False)

    def __post_init__(self) -> None:
        mean, std = np.asarray(self.mean, dtype=np.float64), np.asarray(self.std, dtype=np.float64)
        if mean.ndim != 1 or mean.shape != std.shape:
            raise InputError(
                f"reference statistics: mean has shape {mean.shape} and std {std.shape}; both must be vectors of "
                "one length"
            )
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std >= 0).all()):
            raise InputError(
                "reference statistics: a mean or std is not finite, or a std is negative; compute them again"
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", np.maximum(std, self.floor))

    def arrays(self) -> dict[str, np.ndarray]:
        """Mean and standard deviation by name, to be written to a file."""
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def from_features(cls, features: np.ndarray) -> ReferenceStatistics:
        """Statistics of reference features (R, D), with ddof = 0; InputError where they are empty or not finite."""
        features = as_numpy(features)
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
        """Statistics of all samples of all classes: var = sum_c n_c (var_c + (mean_c - mean)^2) / n."""
        shares = statistics.counts[:, None] / statistics.n
        mean = (shares * statistics.means).sum(axis=0)
        variance = (shares * (statistics.variances + (statistics.means - mean) ** 2)).sum(axis=0)
        return cls(mean, np.sqrt(variance))
