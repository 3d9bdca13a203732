"""What "accuracy" means on a dataset, in percent: top-1, mean per class, or the VOC development kit's 11-point mAP.

The dataset's card names it (`metric` in pedrank/datasets/catalogue.yaml). Outputs are (N, C); targets are (N,) classes,
or, of a multi-label dataset, (N, C) with 1 = present, 0 = absent, -1 = left out (VOC's "difficult" objects alone).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pedrank.utils.errors import InputError


def top_1(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Share of images whose highest output is their class."""
    return 100 * int((outputs.argmax(axis=1) == targets).sum()) / len(targets)


def mean_per_class(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean over classes of the share of their images that are right; classes without an image are left out."""
    right = np.bincount(targets[outputs.argmax(axis=1) == targets], minlength=outputs.shape[1])
    images = np.bincount(targets, minlength=outputs.shape[1])
    return 100 * float((right[images > 0] / images[images > 0]).mean())


def mean_average_precision(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean over classes of `average_precision`; classes without a present image are left out."""
    classes = np.flatnonzero((targets == 1).any(axis=0))
    return 100 * float(np.mean([average_precision(outputs[:, c], targets[:, c]) for c in classes]))


def average_precision(scores: np.ndarray, present: np.ndarray) -> float:
    """The VOC 2007 development kit's 11-point average precision (Everingham et al. 2010, section 4.2), in [0, 1].

    The mean over r = 0, 0.1, …, 1 of the highest precision at a recall of r or more. Images of equal score are ranked
    in their order, as the kit does. Recalls are compared as integers, so that 3 of 10 reach 0.3 in spite of rounding.

    Args:
        scores: (N,) higher = more likely present.
        present: (N,) 1, 0, or -1 for images to leave out; one at least is 1.
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
    """Raise InputError for an unknown metric, or one that does not fit the targets; before anything is trained."""
    if metric not in ACCURACIES:
        raise InputError(f"no accuracy '{metric}'; the dataset's card can name {', '.join(ACCURACIES)}")
    if (targets.ndim == 2) != (ACCURACIES[metric] is mean_average_precision):
        kind = "several labels" if targets.ndim == 2 else "one label"
        raise InputError(f"accuracy '{metric}' does not fit a dataset with {kind} per image; correct its card")


def chance(targets: np.ndarray, classes: int) -> float:
    """Percent that a guess scores, and what a diverged run is given: 1 / C, or the mean share of present images."""
    if targets.ndim == 1:
        return 100 / classes
    return 100 * float(((targets == 1).sum(axis=0) / np.maximum((targets >= 0).sum(axis=0), 1)).mean())
