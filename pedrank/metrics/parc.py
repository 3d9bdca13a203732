"""PARC: pairwise annotation representation comparison."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

LARGEST = 15_000  # rows scored; of more a subsample is drawn, as the released code does
_OVERSAMPLES = 10  # of the randomised PCA, scikit-learn's
_SORTED = 2**22  # sorted values looked at a time


@metric(memory=lambda n, d, c: 4 * min(n, LARGEST) ** 2 // 2 + 8 * (4 * 42 * (min(n, LARGEST) + d) + 5 * 2**22))
def parc(observation: Observation, dims: int = 32, seed: int = 1919, label_distance: str = "as_released") -> float:
    """Spearman correlation, times 100, between the distances of all pairs of samples in features and in labels.

    Bolya et al. 2021, "Scalable diverse model selection for accessible transfer learning", as released: features are
    reduced to 32 dimensions by randomised PCA (one power iteration, seed 1919) and standardised; the distance of two
    samples is 1 - Pearson's correlation of their rows, and of their one-hot labels.

    With one label per sample the second distance is 0 within a class and 1 + 1 / (C - 1) between classes, so that the
    correlation is a rank sum: sort all feature distances and add up the ranks of the pairs within classes. This is
    label_distance="exact". The released code computes the second distance in floating point, where 0 becomes 0 for
    some classes and 1e-16 for others, which ranks tell apart; "as_released" repeats that with one row per class. It
    shifts the score by up to 1e-3 of itself and depends on the BLAS library, as it does in the released code.

    Higher = better, in [-100, 100]. Needs features; O(N D + N^2 log N) time and O(N^2) memory. Beyond 15,000 rows a
    subsample is drawn by class (the released code then compares the features with themselves).
    It needs more samples than components: as many standardised ones make all samples equally alike (InputError).
    Weak in that a correlation along a row depends on the signs of the components: the largest loading is made positive.
    """
    if label_distance not in ("as_released", "exact"):
        raise InputError(f"parc: unknown label_distance '{label_distance}'; it is as_released or exact")
    if observation.n > LARGEST:
        gigabytes = 4 * observation.n**2 / 2e9
        warnings.warn(f"parc: {observation.n} rows would take {gigabytes:.0f} GB: scored on {LARGEST}", stacklevel=2)
    rows = _subsample(observation.labels, LARGEST, seed)
    labels = observation.labels[rows]
    sizes = np.bincount(labels)
    if sizes.max() < 2:
        raise InputError("parc: no two samples share a class, so there is nothing to compare")
    dims = min(dims, observation.d)
    if len(rows) <= dims + 1:
        raise InputError(
            f"parc: in {dims} standardised components {len(rows)} samples are all equally alike; "
            f"give it {dims + 2} samples at least, or fewer components (option dims)"
        )
    components = principal_components(observation, rows, dims, seed)
    components = components[np.argsort(labels, kind="stable")]
    distance = np.zeros(observation.c)  # of two samples of one class
    if label_distance == "as_released":
        distance = 1 - np.diag(np.corrcoef(np.eye(observation.c)))
    return 100 * _rank_correlation(components, sizes, distance)


def _subsample(labels: np.ndarray, largest: int, seed: int) -> np.ndarray:
    """Row numbers, ascending: all, or about `largest`, drawn in proportion to class sizes and from every class."""
    if len(labels) <= largest:
        return np.arange(len(labels))
    draw = np.random.default_rng(seed)
    share = largest / len(labels)
    classes = np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1])
    drawn = [draw.choice(rows, max(1, round(len(rows) * share)), replace=False) for rows in classes]
    return np.sort(np.concatenate(drawn))


def principal_components(observation: Observation, rows: np.ndarray, dims: int, seed: int) -> np.ndarray:
    """Standardised scores (M, dims) of `rows` on principal components: Halko et al. 2011, Alg. 4.4 with q = 1.

    The same numbers as scikit-learn's PCA(svd_solver="randomized", iterated_power=1, random_state=seed) up to rounding:
    its random start, its ten surplus columns, its transposition when M < D, its signs.
    """
    mean = sum(block.sum(axis=0) for _, block in observation.blocks(rows)) / len(rows)

    def centred() -> Iterator[tuple[slice, np.ndarray]]:
        for part, block in observation.blocks(rows):
            block -= mean
            yield part, block

    columns = min(dims + _OVERSAMPLES, len(rows), observation.d)
    start = np.random.RandomState(seed).normal(size=(min(len(rows), observation.d), columns))
    if len(rows) < observation.d:
        whole = np.concatenate([block for _, block in centred()])
        basis = np.linalg.qr(whole.T @ (whole @ (whole.T @ start)))[0]
        left, _, right = np.linalg.svd((whole @ basis).T, full_matrices=False)
        scores, loadings = right.T, basis @ left
    else:
        power = sum(block.T @ (block @ start) for _, block in centred())
        basis = np.linalg.qr(np.concatenate([block @ power for _, block in centred()]))[0]
        left, _, right = np.linalg.svd(sum(basis[part].T @ block for part, block in centred()), full_matrices=False)
        scores, loadings = basis @ left, right.T
    scores, loadings = scores[:, :dims], loadings[:, :dims]
    scores = scores * np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(dims)])
    spread = scores.std(axis=0)
    return scores / np.where(spread > 0, spread, 1.0)


def _rank_correlation(scores: np.ndarray, sizes: np.ndarray, distance: np.ndarray) -> float:
    """Spearman's correlation over all pairs of rows (M, dims), sorted by class, of their likeness and their labels'.

    `sizes` (C,) are the class sizes, `distance` (C,) how unlike two labels of that class count, less than of two
    classes.
    """
    rows = scores - scores.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(norms > 0, norms, 1.0)
    pairs = len(rows) * (len(rows) - 1) // 2
    # Of millions of values float32 ties a few that float64 tells apart, which changes the result by less than 1e-8.
    dtype = np.float32 if pairs > _SORTED else np.float64
    likeness, within, filled = np.empty(pairs, dtype), [], 0
    ends = np.cumsum(sizes)
    for start, end in zip(ends - sizes, ends, strict=True):
        product = rows[start:end] @ rows[start:].T
        within.append(np.sort(product[:, : end - start][np.triu_indices(end - start, 1)].astype(dtype)))
        for values in (within[-1], product[:, end - start :].ravel()):
            likeness[filled : filled + values.size] = values
            filled += values.size
    likeness.sort()

    middle = (pairs + 1) / 2
    count = np.array([values.size for values in within], dtype=np.float64)
    rank_sum = np.array([_rank_sum(likeness, values) for values in within])
    between = pairs - count.sum()
    more_alike = np.array([count[distance > own].sum() for own in distance])
    tied = np.array([count[distance == own].sum() for own in distance])
    label_rank = between + more_alike + (tied + 1) / 2
    between_rank = (between + 1) / 2
    covariance = ((label_rank - between_rank) * (rank_sum - count * middle)).sum()
    label_spread = (count * (label_rank - middle) ** 2).sum() + between * (between_rank - middle) ** 2
    likeness_spread = (pairs * (float(pairs) ** 2 - 1) - _ties(likeness)) / 12
    if likeness_spread <= 0:
        raise InputError("parc: all samples are equally alike; it needs two features at least that differ")
    return float(covariance / np.sqrt(label_spread * likeness_spread))


def _rank_sum(everything: np.ndarray, values: np.ndarray) -> float:
    """Sum of the ranks, from 1, ties averaged, of sorted `values` in the sorted `everything` that holds them."""
    below, not_above = (np.searchsorted(everything, values, side) for side in ("left", "right"))
    return (below.sum() + not_above.sum() + values.size) / 2


def _ties(values: np.ndarray) -> float:
    """Sum of t^3 - t over the groups of t equal values of a sorted array, a piece at a time to spare memory."""
    total, start = 0.0, 0
    while start < values.size:
        last = min(start + _SORTED, values.size) - 1
        end = int(np.searchsorted(values, values[last], "right"))
        edges = np.flatnonzero(values[start + 1 : end] != values[start : end - 1]) + 1
        sizes = np.diff(edges, prepend=0, append=end - start).astype(np.float64)
        total += (sizes**3 - sizes).sum()
        start = end
    return total
