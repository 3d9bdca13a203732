"""Variation of a score with the images: the same metric on random halves of them.

Halves are drawn without replacement and class by class. No image comes twice, because a copy would reveal its label to
a nearest-neighbour metric, and no class is lost. Halves depend on the labels only: all checkpoints of a dataset are
scored on the same rows, so their scores on one half are comparable. A half has fewer images than the whole, so the
share of halves on which a checkpoint ranks first tends to understate how stable its rank on all images is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pedrank.metrics import UndefinedScore, evaluate
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.refinements import move

HALVES = 20  # halves drawn
LARGEST = 5_000  # rows of a half; more rows cost time and change little
SEED = 0


def halves(labels: np.ndarray, number: int = HALVES, largest: int = LARGEST, seed: int = SEED) -> list[np.ndarray]:
    """Draw random halves, class by class.

    A half takes half of each class, rounded up, and at least two images where the class has two. Where half of all N
    images are more than `largest`, every class gives a smaller share.

    Args:
        labels: (N,) integers in 0..C-1.
        number: Number of halves.
        largest: Rows of a half, up to rounding.
        seed: Seed of the draws.

    Returns:
        Sorted row numbers of each half.

    >>> [len(rows) for rows in halves(np.repeat([0, 1], [10, 3]), number=2)]
    [7, 7]
    """
    counts = np.bincount(labels)
    share = min(0.5, largest / len(labels))
    sizes = np.maximum(np.ceil(share * counts).astype(int), np.minimum(counts, 2))
    random = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(labels == label) for label in range(len(counts))]
    return [
        np.sort(np.concatenate([random.permutation(rows)[:size] for rows, size in zip(rows_of, sizes, strict=True)]))
        for _ in range(number)
    ]


def score_halves(
    metric: str,
    features: np.ndarray,
    labels: np.ndarray,
    options: Mapping[str, Any],
    refinement: Mapping[str, Any] | None = None,
    reference: ReferenceStatistics | None = None,
) -> list[float]:
    """Rank score of one metric on each half of the images.

    Args:
        metric: Name of the metric.
        features: (N, D).
        labels: (N,) integers in 0..C-1.
        options: Keyword options of the metric.
        refinement: Keyword options of `pedrank.refinements.move`, which moves the classes of each half; None scores
            the raw features.
        reference: Reference statistics for the refinement.

    Returns:
        One rank score per half; NaN where the metric is undefined on a half.

    Raises:
        InputError: As the refinement does.
    """
    found = []
    for rows in halves(labels):
        observation = observe(features[rows], labels[rows])
        if refinement is not None:
            observation = observation.refined(move(observation.statistics, reference, **refinement))
        try:
            found.append(evaluate(metric, observation, **options).rank_score)
        except UndefinedScore:
            found.append(float("nan"))
    return found
