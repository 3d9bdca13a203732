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
    """Note that classes may be amounts: numbers, as integers or texts, with few samples each.

    Few is a single sample for most of the classes, or fewer than ten on average for at least 20 classes that do not
    number 0 or 1 to C.

    Args:
        labels: (N,) labels of the task "classes".

    Returns:
        One sentence, or none.

    >>> measured(np.array([31, 44, 44, 58, 67]))[0][:53]
    'The 4 classes are numbers with 1.2 samples on average'
    >>> measured(np.array(["3.5", "cat"]))
    []
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iuUSO":
        return []
    try:
        values, counts = np.unique(labels.astype(np.float64), return_counts=True)
    except (ValueError, TypeError):  # texts
        return []
    number = len(counts)
    numbered = number == values[-1] - values[0] + 1 and values[0] in (0, 1)
    several = number >= 20 and len(labels) < 10 * number and not numbered
    if not several and 2 * int((counts == 1).sum()) <= number:
        return []
    return [
        f"The {number} classes are numbers with {len(labels) / number:.1f} samples on average. If the labels are "
        "amounts, such as ages, rank by regression: task='regression' in Python, --task regression on the command line."
    ]
