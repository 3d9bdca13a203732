"""The accuracy of a dataset, in percent: top-1, mean per-class, or 11-point mAP.

The dataset's card names it (`metric` in pedrank/catalogue/datasets.yaml). Outputs are (N, C). Targets are (N,) classes
or, if images have several labels, (N, C) with 1 = present, 0 = absent, -1 = left out (VOC's "difficult" objects).

The published accuracies on VOC follow other rules than VOC's development kit: difficult objects count as absent, in
training and in the test (`counted`), and precision is read off scikit-learn's curve (`curve_average_precision`).
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


def curve_average_precision(scores: np.ndarray, present: np.ndarray) -> float:
    """11-point average precision as released: read off scikit-learn's precision-recall curve; in [0, 1].

    It differs from `average_precision` in three ways. The curve ends with precision 1 at recall 0, so the first of the
    eleven terms is always 1. Images of equal score are one point of the curve. Recalls are compared in floating point
    with `numpy.linspace(0, 1, 11)`: a recall of 3 / 10 does not reach the fourth point.

    Args:
        scores: (N,), higher = more likely present.
        present: (N,) 1, 0, or -1 for images to leave out; at least one is 1.

    >>> round(curve_average_precision(np.array([0.9, 0.8, 0.7]), np.array([0, 1, 1])), 3)  # (1 + 10 x 2/3) / 11
    0.697
    """
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(present[present >= 0], scores[present >= 0])
    return float(np.mean([precision[recall >= least].max() for least in np.linspace(0, 1, 11)]))


def mean_average_precision(
    outputs: np.ndarray, targets: np.ndarray, rule: Callable[[np.ndarray, np.ndarray], float] = average_precision
) -> float:
    """Mean over classes of their average precision, in percent; classes that no image shows are left out.

    Args:
        outputs: (N, C).
        targets: (N, C) with 1 = present, 0 = absent, -1 = left out.
        rule: `average_precision` or `curve_average_precision`.
    """
    classes = np.flatnonzero((targets == 1).any(axis=0))
    return 100 * float(np.mean([rule(outputs[:, c], targets[:, c]) for c in classes]))


AVERAGE_PRECISIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "kit": average_precision,
    "curve": curve_average_precision,
}


def counted(targets: np.ndarray, difficult: str) -> np.ndarray:
    """The targets by which a run trains and is tested.

    Args:
        targets: (N,) classes, or (N, C) with 1 = present, 0 = absent, -1 = a difficult object.
        difficult: "left_out", as in VOC's development kit, or "absent", as released.

    >>> counted(np.array([[1, -1, 0]]), "absent").tolist()
    [[1, 0, 0]]
    """
    return np.maximum(targets, 0) if difficult == "absent" and targets.ndim == 2 else targets


ACCURACIES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "top-1": top_1,
    "mean per-class": mean_per_class,
    "11-point mAP": mean_average_precision,
}


def accuracy(metric: str, outputs: np.ndarray, targets: np.ndarray, average_precision: str = "kit") -> float:
    """Compute an accuracy in percent.

    Args:
        metric: A key of `ACCURACIES`.
        outputs: (N, C).
        targets: (N,) or (N, C).
        average_precision: A key of `AVERAGE_PRECISIONS`; it counts only if images have several labels.

    >>> accuracy("top-1", np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    50.0
    """
    if targets.ndim == 2:
        return mean_average_precision(outputs, targets, AVERAGE_PRECISIONS[average_precision])
    return ACCURACIES[metric](outputs, targets)


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
