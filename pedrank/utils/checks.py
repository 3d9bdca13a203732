"""Checks of features and labels before numbers are computed from them; each failure is an InputError of one line."""

from __future__ import annotations

import math
import warnings
from numbers import Real

import numpy as np

from pedrank.utils.errors import InputError

_ROWS = 4096  # rows read at a time
_OTHERS = "logme, knn or linear_probe of pedrank.regression.target_score (docs/metrics.md)"


def check_labels(labels: np.ndarray, name: str = "labels") -> np.ndarray:
    """Check labels, and count their classes.

    Warns about classes with a single sample: their variance and radius are zero.

    Args:
        labels: (N,) integers that use every value of 0..C-1, C >= 2; may be read-only.
        name: Opens the message.

    Returns:
        (C,) number of samples of each class.

    Raises:
        InputError: Wrong shape or type, a negative label, a gap, or fewer than two classes.

    >>> check_labels(np.array([0, 1, 1, 1, 0]))
    array([2, 3])
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise InputError(
            f"{name} must be a vector with one label per row; got shape {labels.shape}; several labels per sample are "
            f"scored by {_OTHERS}"
        )
    if labels.size == 0:
        raise InputError(f"{name} are empty; give samples of at least two classes")
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"{name} must be integers 0..C-1 (C = number of classes), not {labels.dtype}; encode them first, or, "
            f"if they are amounts, score them with {_OTHERS}"
        )
    if labels.min() < 0:
        raise InputError(f"{name}: label {labels.min()} is negative; labels must be 0..C-1 (C = number of classes)")
    if labels.max() >= labels.size:
        raise InputError(
            f"{name}: label {labels.max()} is too large for {labels.size} samples; labels must be 0..C-1 without gaps "
            "(C = number of classes)"
        )
    counts = np.bincount(labels)
    if not counts.all():
        raise InputError(
            f"{name}: no sample has label {int(np.argmin(counts))}; labels must be 0..C-1 without gaps "
            "(C = number of classes)"
        )
    if counts.size < 2:
        raise InputError(f"{name}: only one class; give samples of at least two classes")
    single = np.flatnonzero(counts == 1)
    if single.size:
        warnings.warn(f"{name}: {single.size} class(es) have a single sample, the first is {single[0]}", stacklevel=2)
    return counts


def check_features(features: np.ndarray, rows: int | None = None, name: str = "features") -> None:
    """Raise InputError unless features are a real (N, D) array.

    Args:
        features: The array.
        rows: The number N of rows that it must have; any if left out.
        name: Opens the message.

    >>> check_features(np.zeros((3, 2)), rows=4)
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: features: 3 rows but 4 labels; both must come from the same samples
    """
    if features.ndim != 2:
        raise InputError(f"{name} must have shape (number of samples, number of features); got {features.shape}")
    if features.dtype.kind not in "fiu":
        raise InputError(f"{name} must be real numbers, not {features.dtype}; convert them first")
    if features.size == 0:
        raise InputError(f"{name} are empty (shape {features.shape}); extract them again")
    if rows is not None and len(features) != rows:
        raise InputError(f"{name}: {len(features)} rows but {rows} labels; both must come from the same samples")


def refuse_non_finite(features: np.ndarray, name: str = "features") -> None:
    """Raise InputError that names the first row with NaN or infinity; call it only after sums were not finite.

    Args:
        features: (N, D). If all of it is finite, the message states that squares overflow.
        name: Opens the message.
    """
    for start in range(0, len(features), _ROWS):
        bad = np.flatnonzero(~np.isfinite(features[start : start + _ROWS]).all(axis=1))
        if bad.size:
            raise InputError(f"{name}: row {start + bad[0]} holds NaN or infinity; extract the features again")
    raise InputError(f"{name} are so large that their squares overflow; rescale them")


def check_not_negative(where: str, **values: object) -> None:
    """Raise InputError for a value that is not a finite number of at least 0.

    Args:
        where: Opens the message.
        **values: Values by name.

    >>> check_not_negative("ped", dt=-1)
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: ped: dt must be finite and not negative, not -1
    """
    for name, value in values.items():
        if not (isinstance(value, Real) and 0 <= float(value) < math.inf):
            raise InputError(f"{where}: {name} must be finite and not negative, not {value!r}")
