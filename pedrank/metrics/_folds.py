"""Folds of the samples that depend on neither their order nor the numbering of the classes, nor on a refinement."""

from __future__ import annotations

import numpy as np

from pedrank.observation.observation import Observation


def canonical_order(observation: Observation, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An order of samples, and one of classes, by their place along a random direction.

    A draw of row numbers would give other folds if a dataset's images were listed in another order. A projection
    belongs to the sample itself. A refinement moves whole classes, so it keeps the order within each class.

    Args:
        observation: Features and labels.
        seed: Seed of the direction.

    Returns:
        Row numbers (N,), class by class, and class numbers (C,) in the order of the projected class means.

    >>> from pedrank.observation.observation import observe
    >>> rows, classes = canonical_order(observe(np.array([[0.0], [9.0], [1.0], [8.0]]), np.array([0, 1, 0, 1])), 0)
    >>> sorted(rows[:2].tolist()), sorted(classes.tolist())
    ([0, 2], [0, 1])
    """
    direction = np.random.default_rng(seed).normal(size=observation.d)
    place = np.concatenate(
        [np.einsum("nd,d->n", block - observation.mean, direction) for _, block in observation.blocks()]
    )
    classes = np.argsort(np.einsum("cd,d->c", observation.means - observation.mean, direction), kind="stable")
    rank = np.argsort(classes)
    return np.lexsort((place, rank[observation.labels])), classes


def stratified_folds(observation: Observation, folds: int, seed: int) -> np.ndarray:
    """Fold (N,) of each sample: samples in `canonical_order` are dealt out like cards, so each class is spread evenly.

    Args:
        observation: Features and labels.
        folds: Number of folds, at most N.
        seed: Seed of the order.

    >>> from pedrank.observation.observation import observe
    >>> stratified_folds(observe(np.array([[0.0], [9.0], [1.0], [8.0]]), np.array([0, 1, 0, 1])), 2, 0)
    array([0, 1, 1, 0])
    """
    dealt = np.empty(observation.n, dtype=np.intp)
    dealt[canonical_order(observation, seed)[0]] = np.arange(observation.n) % folds
    return dealt
