"""What labels are: classes, real numbers to predict, or several labels per sample."""

from __future__ import annotations

import numpy as np

from pedrank.regression.targets import LABELS, REGRESSION
from pedrank.utils.errors import InputError

CLASSES = "classes"
TASKS = (CLASSES, REGRESSION, LABELS)


def task_of(labels: np.ndarray, given: str | None = None) -> str:
    """Decide the task, from what the user has stated or from the labels.

    Integers and texts (N,) are classes. Numbers with fractions, and a table (N, K) of numbers, are targets of a
    regression; a table (N, K) of 0 and 1, K >= 2, has several labels per sample.

    Args:
        labels: The user's labels.
        given: "classes", "regression" or "labels"; None where the labels decide.

    Returns:
        "classes", "regression" or "labels". Labels that are none of these are called classes, whose check refuses them.

    Raises:
        InputError: `given` is unknown, or the labels are floating-point numbers without fractions, which can be classes
            or amounts.

    >>> task_of(np.array([3.27, 1e-3])), task_of(np.array(["cat", "dog"])), task_of(np.array([[0, 1], [1, 1]]))
    ('regression', 'classes', 'labels')
    """
    if given is not None:
        if given not in TASKS:
            raise InputError(f"unknown task '{given}'; choose from {', '.join(TASKS)}")
        return given
    kind = labels.dtype.kind
    if labels.ndim == 2 and labels.shape[1] > 1 and kind in "fiub":
        return LABELS if np.isin(labels, (0, 1)).all() else REGRESSION
    if kind != "f" or labels.size == 0 or labels.ndim > 2:
        return CLASSES
    if (labels == np.floor(labels)).all():
        raise InputError(
            f"the labels are whole numbers of type {labels.dtype}, which can be classes or amounts; give classes as "
            "integers, or state the task: task='regression' in Python, --task regression on the command line"
        )
    return REGRESSION


def as_classes(labels: np.ndarray) -> np.ndarray:
    """Whole floating-point numbers as integers; other labels as they are.

    Args:
        labels: The user's labels, of the task "classes".

    >>> as_classes(np.array([0.0, 2.0]))
    array([0, 2])
    """
    whole = labels.dtype.kind == "f" and bool((labels == np.floor(labels)).all()) and bool(np.isfinite(labels).all())
    return labels.astype(np.int64) if whole else labels


def measured(labels: np.ndarray) -> list[str]:
    """Note that classes may be amounts: whole numbers, most of which belong to a single sample.

    Args:
        labels: (N,) labels of the task "classes".

    Returns:
        One sentence, or none.

    >>> measured(np.array([31, 44, 44, 58, 67]))[0][:44]
    '3 of the 4 classes are numbers of a single s'
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        return []
    counts = np.unique(labels, return_counts=True)[1]
    single = int((counts == 1).sum())
    if 2 * single <= len(counts):
        return []
    return [
        f"{single} of the {len(counts)} classes are numbers of a single sample. If the labels are amounts, such as "
        "ages, rank by regression: task='regression' in Python, --task regression on the command line."
    ]
