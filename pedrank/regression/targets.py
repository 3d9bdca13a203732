"""Checks of targets and of the features beside them; each failure is an InputError of one line."""

from __future__ import annotations

import numpy as np

from pedrank.utils.checks import check_features
from pedrank.utils.errors import InputError

REGRESSION, LABELS = "regression", "labels"
SMALLEST = 3  # samples; with fewer, a training set has no two of them


def checked_targets(targets: np.ndarray, task: str = REGRESSION) -> np.ndarray:
    """Check targets, and return them as columns.

    Args:
        targets: (N,) or (N, K) real numbers; for "labels" (N, K) of 0 and 1, K >= 2.
        task: "regression", or "labels" for several labels per sample.

    Returns:
        (N, K) float64.

    Raises:
        InputError: Wrong shape or type, fewer than three samples, a number that is not finite, a constant column; for
            "labels" also another number than 0 and 1.

    >>> checked_targets(np.array([1, 2.5, 4]))
    array([[1. ],
           [2.5],
           [4. ]])
    """
    given = np.asarray(targets)
    if task not in (REGRESSION, LABELS):
        raise InputError(f"unknown task '{task}'; choose regression or labels")
    if given.dtype.kind not in ("fiu" if task == REGRESSION else "fiub"):
        raise InputError(f"targets must be real numbers, not {given.dtype}; convert them first")
    if given.ndim not in (1, 2) or (task == LABELS and (given.ndim == 1 or given.shape[1] < 2)):
        wanted = "(N,) or (N, K)" if task == REGRESSION else "(N, K), with a column for each of K >= 2 labels"
        raise InputError(f"targets must have shape {wanted}; they have shape {given.shape}")
    columns = (given if given.ndim == 2 else given[:, None]).astype(np.float64)
    if len(columns) < SMALLEST or columns.shape[1] == 0:
        raise InputError(f"targets have shape {given.shape}; give those of {SMALLEST} samples or more")
    finite = np.isfinite(columns).all(axis=1)
    if not finite.all():
        raise InputError(
            f"targets: row {np.argmin(finite)} has NaN or infinity ({(~finite).sum()} such rows); leave these samples "
            "out of targets and features"
        )
    if task == LABELS and not np.isin(columns, (0, 1)).all():
        wrong = columns[~np.isin(columns, (0, 1))][0]
        raise InputError(
            f"several labels per sample must be 0 or 1, not {wrong:g}; for real numbers the task is regression"
        )
    constant = np.flatnonzero(np.ptp(columns, axis=0) == 0)
    if constant.size:
        which = f"column {constant[0]} of the targets is" if columns.shape[1] > 1 else "the targets are all"
        raise InputError(
            f"{which} {columns[0, constant[0]]:g} for all samples, which no features can explain; leave it out"
        )
    return columns


def checked_rows(features: np.ndarray, rows: int) -> np.ndarray:
    """Check features beside targets.

    Args:
        features: (N, D) real numbers.
        rows: The number N of targets.

    Returns:
        (N, D) float64.

    Raises:
        InputError: Wrong shape or type, a number that is not finite, or all rows the same.

    >>> checked_rows(np.array([[1], [2]]), 2)
    array([[1.],
           [2.]])
    """
    given = np.asarray(features)
    check_features(given, rows)
    found = given.astype(np.float64)
    finite = np.isfinite(found).all(axis=1)
    if not finite.all():
        raise InputError(f"features: row {np.argmin(finite)} holds NaN or infinity; extract the features again")
    if (found == found[0]).all():
        raise InputError("all features are the same for all samples; leave out this checkpoint")
    return found
