"""The accuracy of a dataset, in percent: top-1, mean per-class, or the VOC development kit's 11-point mAP.

The dataset's card names it (`metric` in pedrank/catalogue/datasets.yaml). Outputs are (N, C). Targets are (N,) classes
or, if images have several labels, (N, C) with 1 = present, 0 = absent, -1 = left out (VOC's "difficult" objects).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pedrank.utils.errors import InputError


def top_1(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Percent of images whose highest output is their class; (N, C) outputs, (N,) targets.

    >>> top_1(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    50.0
    """
    return 100 * int((outputs.argmax(axis=1) == targets).sum()) / len(targets)


def mean_per_class(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Percent of images that are right in each class, averaged over classes; classes without images are left out.

    >>> mean_per_class(np.eye(2)[[0, 0, 0, 0]], np.array([0, 0, 0, 1]))  # class 0: 3 of 3, class 1: 0 of 1
    50.0
    """
    right = np.bincount(targets[outputs.argmax(axis=1) == targets], minlength=outputs.shape[1])
    images = np.bincount(targets, minlength=outputs.shape[1])
    return 100 * float((right[images > 0] / images[images > 0]).mean())


def mean_average_precision(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean over classes of `average_precision`, in percent; classes that no image shows are left out.

    Args:
        outputs: (N, C).
        targets: (N, C) with 1 = present, 0 = absent, -1 = left out.
    """
    classes = np.flatnonzero((targets == 1).any(axis=0))
    return 100 * float(np.mean([average_precision(outputs[:, c], targets[:, c]) for c in classes]))


def average_precision(scores: np.ndarray, present: np.ndarray) -> float:
    """The VOC 2007 development kit's 11-point average precision (Everingham et al. 2010, section 4.2), in [0, 1].

    The mean over r = 0, 0.1, …, 1 of the highest precision at a recall of r or more. Images of equal score keep their
    order, as in the kit. Recalls are compared as integers: in floating point, 3 of 10 might miss 0.3.

    Args:
        scores: (N,), higher = more likely present.
        present: (N,) 1, 0, or -1 for images to leave out; at least one is 1.

    >>> float(average_precision(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1])).round(3))  # (6 x 1 + 5 x 2/3) / 11
    0.848
    """
    scores, present = scores[present >= 0], present[present >= 0]
    found = np.cumsum(present[np.argsort(-scores, kind="stable")])
    precision = found / np.arange(1, len(found) + 1)
    return sum(precision[10 * found >= tenth * found[-1]].max() for tenth in range(11)) / 11


ACCURACIES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "top-1": top_1,
    "mean per-class": mean_per_class,
    "11-point mAP": mean_average_precision,
}


def check_accuracy(metric: str, targets: np.ndarray) -> None:
    """Refuse an accuracy that is unknown or does not fit the targets; called before anything is trained.

    Args:
        metric: A key of `ACCURACIES`.
        targets: (N,) or (N, C).

    Raises:
        InputError: As above.
    """
    if metric not in ACCURACIES:
        raise InputError(
            f"unknown accuracy '{metric}' in the dataset's catalogue entry; choose from {', '.join(ACCURACIES)}"
        )
    if (targets.ndim == 2) != (ACCURACIES[metric] is mean_average_precision):
        kind = "several labels" if targets.ndim == 2 else "one label"
        remedy = "correct `metric` in the dataset's catalogue entry"
        raise InputError(f"accuracy '{metric}' does not fit a dataset with {kind} per image; {remedy}")


def chance(targets: np.ndarray, classes: int) -> float:
    """Chance level in percent, which is also the accuracy of a diverged run.

    100 / C or, if images have several labels, the mean over classes of the percentage of images that show the class.

    >>> chance(np.array([0, 1, 2, 3]), classes=4)
    25.0
    """
    if targets.ndim == 1:
        return 100 / classes
    return 100 * float(((targets == 1).sum(axis=0) / np.maximum((targets >= 0).sum(axis=0), 1)).mean())
