"""What features and labels must be before a number is made of them; everything else is an InputError of one line."""

from __future__ import annotations

import warnings
from numbers import Real

import numpy as np

from pedrank.utils.errors import InputError

_ROWS = 4096  # rows read at a time


def check_labels(labels: np.ndarray, name: str = "labels") -> np.ndarray:
    """Class sizes (C,) of integer labels (N,) that use every value of 0..C-1, C >= 2; read-only labels are fine.

    Raises InputError for another shape or dtype, a negative label, a gap, or fewer than two classes. Warns of classes
    with a single sample: their variance is zero, and so is their radius.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise InputError(f"{name}: need one label per row, a vector, not an array of shape {labels.shape}")
    if labels.size == 0:
        raise InputError(f"{name}: no rows")
    if labels.dtype.kind not in "iu":
        raise InputError(f"{name}: labels must be integers 0..C-1, not {labels.dtype}; encode them first")
    if labels.min() < 0:
        raise InputError(f"{name}: label {labels.min()} is negative; labels must be 0..C-1")
    if labels.max() >= labels.size:
        raise InputError(
            f"{name}: label {labels.max()} leaves a gap, there are only {labels.size} rows; renumber to 0..C-1"
        )
    counts = np.bincount(labels)
    if not counts.all():
        raise InputError(
            f"{name}: no sample has label {int(np.argmin(counts))} of 0..{counts.size - 1}; renumber to 0..C-1"
        )
    if counts.size < 2:
        raise InputError(f"{name}: only one class; transferability needs at least two")
    single = np.flatnonzero(counts == 1)
    if single.size:
        warnings.warn(f"{name}: {single.size} class(es) with a single sample, the first is {single[0]}", stacklevel=2)
    return counts


def check_features(features: np.ndarray, rows: int | None = None, name: str = "features") -> None:
    """Raise InputError unless `features` is a real (N, D) array with `rows` rows."""
    if features.ndim != 2:
        raise InputError(f"{name}: need one row per image, shape (N, D), not {features.shape}")
    if features.dtype.kind not in "fiu":
        raise InputError(f"{name}: need real numbers, not {features.dtype}")
    if features.size == 0:
        raise InputError(f"{name}: empty, shape {features.shape}")
    if rows is not None and len(features) != rows:
        raise InputError(f"{name}: {len(features)} rows but {rows} labels; they must come from the same images")


def refuse_non_finite(features: np.ndarray, name: str = "features") -> None:
    """Raise InputError that names the first row holding NaN or infinity; for when sums have shown that there is one."""
    for start in range(0, len(features), _ROWS):
        bad = np.flatnonzero(~np.isfinite(features[start : start + _ROWS]).all(axis=1))
        if bad.size:
            raise InputError(f"{name}: row {start + bad[0]} holds NaN or infinity; extract the features again")
    raise InputError(f"{name}: too large, their squares overflow; rescale them")


def check_not_negative(where: str, **values: object) -> None:
    """Raise InputError for a value that is no finite number of at least 0; `where` opens the message."""
    for name, value in values.items():
        if not (isinstance(value, Real) and np.isfinite(value) and value >= 0):
            raise InputError(f"{where}: {name} must be finite and not negative, not {value!r}")
