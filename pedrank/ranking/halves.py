"""How a score varies with the images: the same metric on random halves of them.

Halves are drawn without replacement and class by class, so that no image comes twice (a copy would give its label away
to a nearest-neighbour metric) and no class is lost. They depend on the labels alone: all checkpoints of a dataset are
scored on the same rows, so that their scores on one half are comparable. A half is fewer images than all: shares of
halves on which a checkpoint comes first rather understate how firm its place on all of them is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pedrank.metrics import evaluate
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.refinements import move

HALVES = 20
LARGEST = 5_000  # rows of a half: more of them cost time and change little
SEED = 0


def halves(labels: np.ndarray, number: int = HALVES, largest: int = LARGEST, seed: int = SEED) -> list[np.ndarray]:
    """Rows (sorted) of `number` random halves of labels (N,) in 0..C-1.

    Of n images of a class, half are taken, rounded up, and never fewer than two where there are two; of all N no more
    than `largest` and the rounding.
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
    """What `metric` ranks by, on each half of features (N, D) with labels (N,).

    `refinement` holds the options of `pedrank.refinements.move`; classes are moved anew on each half, which needs
    `reference`. Raises InputError as the metric does.
    """
    found = []
    for rows in halves(labels):
        observation = observe(features[rows], labels[rows])
        if refinement is not None:
            observation = observation.refined(move(observation.statistics, reference, **refinement))
        found.append(evaluate(metric, observation, **options).rank_score)
    return found
