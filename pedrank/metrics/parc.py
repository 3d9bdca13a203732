"""PARC: pairwise annotation representation comparison."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from pedrank.errors import InputError
from pedrank.metrics import metric
from pedrank.observation import Observation

LARGEST = 15_000  # rows scored; more are subsampled, as the released code does
_OVERSAMPLES = 10  # of the randomised PCA


@metric(memory=lambda n, d, c: 8 * (min(n, LARGEST) ** 2 // 2 + 4 * min(n, LARGEST) * 42 + 4 * d * 42))
def parc(observation: Observation, dims: int = 32, seed: int = 1919, label_distance: str = "as_released") -> float:
    """Spearman correlation, times 100, of the distances of all pairs of samples in features and in labels.

    Bolya et al. 2021, "Scalable diverse model selection for accessible transfer learning", as released: features are
    reduced to 32 dimensions by randomised PCA (one power iteration, seed 1919) and standardised, the distance of two
    samples is 1 - Pearson's correlation of their rows, and of their one-hot labels.

    With one label per sample the second distance is 0 within a class and 1 + 1 / (C - 1) between classes, so the
    correlation is a rank sum: sort all feature distances once and add up the ranks of the pairs within classes. That is
    label_distance="exact". The released code computes that distance in floating point, where rounding gives some classes
    0 and others 1e-16, which Spearman's ranks tell apart; "as_released" repeats this, one row per class, and so depends
    on the BLAS library in the fourth digit, as the released code does.

    Higher = better, in [-100, 100]. Needs features; O(N D + N^2 log N) time, O(N^2) memory: beyond 15,000 rows a
    subsample is drawn by class and seed (the released code then compares the features with themselves).
    Weak in that the correlation along a row depends on the signs that PCA gives its components; a convention fixes them.
    """
    if label_distance not in ("as_released", "exact"):
        raise InputError(f"parc: unknown label_distance '{label_distance}'; it is as_released or exact")
    rows = np.argsort(observation.labels, kind="stable")
    if observation.n > LARGEST:
        rows = _subsample(observation.labels, LARGEST, seed)
    counts = np.bincount(observation.labels[rows], minlength=observation.c)
    reduced = _reduce(observation, rows, min(dims, len(rows), observation.d), seed)

    # Classes that count as nearer than others: all alike, but for rounding.
    distance = np.zeros(observation.c)
    if label_distance == "as_released":
        distance = 1 - np.diag(np.corrcoef(np.eye(observation.c)))
    return 100 * _rank_correlation(reduced, counts, distance)


def _subsample(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """About `size` row numbers (M,), sorted by class, each class in proportion and with one row at least."""
    draw = np.random.default_rng(seed)
    order = np.argsort(labels, kind="stable")
    classes = np.split(order, np.cumsum(np.bincount(labels))[:-1])
    wanted = [max(1, round(len(rows) * size / len(labels))) for rows in classes]
    return np.concatenate(
        [np.sort(draw.choice(rows, n, replace=False)) for rows, n in zip(classes, wanted, strict=True)]
    )


def _reduce(observation: Observation, rows: np.ndarray, dims: int, seed: int) -> np.ndarray:
    """Standardised principal components (M, dims) of `rows`: Halko et al. 2011, one power iteration, as scikit-learn.

    Components are signed so that the largest loading in magnitude is positive.
    """
    centred = partial(_centred_blocks, observation, rows)
    n, d = len(rows), observation.d
    wide = n < d
    draw = np.random.RandomState(seed).normal(size=(min(n, d), min(dims + _OVERSAMPLES, n, d)))
    if not wide:
        forward = np.zeros((d, draw.shape[1]))
        for _, block in centred():
            forward += block.T @ (block @ draw)
        tall = np.concatenate([block @ forward for _, block in centred()])
        basis = np.linalg.qr(tall)[0]
        small = sum(basis[part].T @ block for part, block in centred())
        left, _, loadings = np.linalg.svd(small, full_matrices=False)
        components = basis @ left
    else:
        whole = np.concatenate([block for _, block in centred()])
        basis = np.linalg.qr(whole.T @ (whole @ (whole.T @ draw)))[0]
        left, _, components = np.linalg.svd(basis.T @ whole.T, full_matrices=False)
        loadings, components = (basis @ left).T, components.T
    signs = np.sign(loadings[np.arange(dims), np.abs(loadings[:dims]).argmax(axis=1)])
    components = components[:, :dims] * signs
    std = components.std(axis=0)
    return components / np.where(std > 0, std, 1.0)


def _centred_blocks(observation: Observation, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Float64 blocks of the refined features of `rows`, centred over `rows`, each with its place among them."""
    sums = sum(block.sum(axis=0) for _, block in observation.blocks(rows))
    for part, block in observation.blocks(rows):
        block -= sums / len(rows)
        yield part, block


def _rank_correlation(reduced: np.ndarray, counts: np.ndarray, distance: np.ndarray) -> float:
    """Spearman's correlation over all pairs of rows, sorted by class, between similarity of rows and of labels."""
    rows = reduced - reduced.mean(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    n = len(rows)
    pairs = n * (n - 1) // 2
    values, within = np.empty(pairs), []
    filled, start = 0, 0
    for count in counts:
        end = start + count
        similarity = rows[start:end] @ rows[start:].T
        own = similarity[:, :count][np.triu_indices(count, 1)]
        within.append(np.sort(own))
        values[filled : filled + own.size] = own
        filled += own.size
        other = similarity[:, count:]
        values[filled : filled + other.size] = other.ravel()
        filled += other.size
        start = end
    values.sort()

    # Twice the rank from 1, so that ties stay integers.
    ranks = [np.searchsorted(values, own, "left") + np.searchsorted(values, own, "right") + 1 for own in within]
    middle = (pairs + 1) / 2
    covariance = label_spread = 0.0
    below = pairs - sum(map(len, within))
    groups = [(below, None)]
    for value in np.unique(distance)[::-1]:
        members = [rank for rank, d in zip(ranks, distance, strict=True) if d == value and len(rank)]
        groups.append((sum(map(len, members)), members))
    total = 0
    between_sum = pairs * middle - sum(float(rank.sum()) / 2 for rank in ranks)
    for size, members in groups:
        label_rank = total + (size + 1) / 2 - middle
        rank_sum = between_sum if members is None else sum(float(rank.sum()) / 2 for rank in members)
        covariance += label_rank * (rank_sum - size * middle)
        label_spread += size * label_rank**2
        total += size
    ties = np.diff(np.flatnonzero(np.r_[True, values[1:] != values[:-1], True])).astype(np.float64)
    feature_spread = (pairs * (float(pairs) ** 2 - 1) - (ties**3 - ties).sum()) / 12
    return float(covariance / np.sqrt(label_spread * feature_spread))
