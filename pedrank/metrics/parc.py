"""PARC: pairwise annotation representation comparison."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from pedrank.metrics import check_memory, metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

LARGEST = 15_000  # rows scored; more rows are subsampled, as in the released code
_OVERSAMPLES = 10  # extra columns of the randomised PCA, as in scikit-learn
_SORTED = 2**22  # values that are computed or sorted per step


def _memory(n: int, d: int, c: int) -> int:
    """Bytes for the distances of all pairs, again for the half of them within classes, for a step, and for the rest."""
    rows = min(n, LARGEST)
    return 3 * rows**2 + 8 * (8 * min(_SORTED, rows**2 // 2) + 170 * (rows + d) + 2 * min(n, d) * d + 2**22)


@metric(
    title="PARC",
    paper="Bolya et al. 2021, PARC, NeurIPS",
    memory=_memory,
)
def parc(observation: Observation, dims: int = 32, seed: int = 1919, label_distance: str = "exact") -> float:
    """Spearman correlation, times 100, between the distances of all pairs of samples in features and in labels.

    Bolya et al. 2021, "Scalable diverse model selection for accessible transfer learning": features are reduced to 32
    dimensions by randomised PCA (one power iteration, seed 1919) and standardised. The feature distance of two samples
    is 1 - Pearson's correlation of their rows; the label distance is the same of their one-hot labels.

    With one label per sample the label distance is 0 within a class and 1 + 1 / (C - 1) between classes, so the
    correlation is a rank sum: sort all feature distances and add up the ranks of the pairs within classes. This is
    label_distance="exact". "as_released" correlates the N one-hot rows in floating point, as the released code does.
    Rounding then gives some pairs of one class a distance of 1e-16 instead of 0, and ranks tell these apart. The score
    depends on the machine (processor and BLAS library) and can be far from the exact one: 2.51 for 6.42 in one case.

    Higher = better, in [-100, 100]. Needs features; O(N D + N^2 log N) time and O(N^2) memory, 2 N^2 bytes for the
    exact distance and 60 N^2 for the released one. Beyond 15,000 rows it scores a subsample drawn by class (the
    released code then compares the features with themselves). Weak because a correlation along a row depends on the
    signs of the components; here each component's largest loading is positive.

    Args:
        observation: Features and labels.
        dims: Number of principal components.
        seed: Seed of the randomised PCA and of the subsample.
        label_distance: "exact" or "as_released".

    Raises:
        InputError: The label distance is unknown, no two samples share a class, the samples do not outnumber the
            components by two (with so few, all standardised samples are equally alike), or memory is short.

    >>> from pedrank.observation.observation import observe
    >>> y = np.repeat([0, 1], 10)
    >>> Z = np.random.default_rng(0).normal(size=(20, 3)) + 5 * np.eye(2, 3)[y]
    >>> parc(observe(Z, y)) > parc(observe(Z, np.arange(20) % 2))
    True
    """
    if label_distance not in ("exact", "as_released"):
        raise InputError(f"parc: unknown label_distance '{label_distance}'; choose exact or as_released")
    if observation.n > LARGEST:
        gigabytes = 4 * observation.n**2 / 2e9
        warnings.warn(
            f"parc: {observation.n} samples would need {gigabytes:.0f} GB, so only {LARGEST} are scored", stacklevel=2
        )
    rows = _subsample(observation.labels, LARGEST, seed)
    labels = observation.labels[rows]
    sizes = np.bincount(labels)
    if sizes.max() < 2:
        raise InputError("parc: no two samples have the same class; give at least two samples of a class")
    dims = min(dims, observation.d)
    if len(rows) <= dims + 1:
        raise InputError(
            f"parc: in {dims} standardised components {len(rows)} samples are all equally alike; "
            f"give at least {dims + 2} samples, or fewer components (option dims)"
        )
    components = principal_components(observation, rows, dims, seed)
    if label_distance == "as_released":
        check_memory("parc", observation, 60 * len(rows) ** 2)
        return 100 * _correlation_as_released(components, labels)
    return 100 * _rank_correlation(components[np.argsort(labels, kind="stable")], sizes, observation.device)


def _subsample(labels: np.ndarray, largest: int, seed: int) -> np.ndarray:
    """Row numbers, ascending: all, or about `largest` drawn in proportion to class sizes, at least one per class."""
    if len(labels) <= largest:
        return np.arange(len(labels))
    draw = np.random.default_rng(seed)
    share = largest / len(labels)
    classes = np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1])
    drawn = [draw.choice(rows, max(1, round(len(rows) * share)), replace=False) for rows in classes]
    return np.sort(np.concatenate(drawn))


def principal_components(observation: Observation, rows: np.ndarray, dims: int, seed: int) -> np.ndarray:
    """Standardised scores of some rows on their principal components (Halko et al. 2011, Alg. 4.4 with q = 1).

    Equal, up to rounding, to scikit-learn's PCA(svd_solver="randomized", iterated_power=1, random_state=seed): the same
    random start, ten extra columns, transposition when M < D, and signs.

    Args:
        observation: Features (N, D).
        rows: (M,) row numbers.
        dims: Number of components, at most min(M, D).
        seed: Seed of the random start.

    Returns:
        (M, dims), each column with mean 0 and standard deviation 1.
    """
    columns = min(dims + _OVERSAMPLES, len(rows), observation.d)
    start = np.random.RandomState(seed).normal(size=(min(len(rows), observation.d), columns))
    if observation.device != "cpu":
        from pedrank.accelerator.projection import randomised_scores

        return randomised_scores(observation.on_device(), rows, dims, start)
    mean = sum(block.sum(axis=0) for _, block in observation.blocks(rows)) / len(rows)

    def centred() -> Iterator[tuple[slice, np.ndarray]]:
        for part, block in observation.blocks(rows):
            block -= mean
            yield part, block

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


def _correlation_as_released(scores: np.ndarray, labels: np.ndarray) -> float:
    """Spearman's correlation of both distances, each from an N x N correlation matrix in floating point."""
    from scipy.stats import spearmanr

    pairs = np.tril_indices(len(labels), -1)
    one_hot = np.eye(labels.max() + 1)[labels]
    return float(spearmanr(1 - np.corrcoef(scores)[pairs], 1 - np.corrcoef(one_hot)[pairs]).statistic)


def _rank_correlation(scores: np.ndarray, sizes: np.ndarray, device: str = "cpu") -> float:
    """Spearman's correlation, over all pairs of rows, of feature distance and label distance.

    `scores` (M, dims) are sorted by class, and `sizes` (C,) are the class sizes.
    """
    rows = scores - scores.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(norms > 0, norms, 1.0)
    pairs = len(rows) * (len(rows) - 1) // 2
    # Among millions of values, float32 ties a few that float64 tells apart. The result changes by less than 1e-8.
    dtype = np.float32 if pairs > _SORTED else np.float64
    if device == "cpu":
        sums, numbers, ties = _rank_sums(rows, sizes, dtype)
    else:
        from pedrank.accelerator.pair_ranks import rank_sums_on

        sums, numbers, ties = rank_sums_on(device, rows, sizes, dtype)

    # All pairs within classes tie in label distance, and so do all pairs between classes, which are farther apart.
    middle = (pairs + 1) / 2
    inside = sum(numbers)
    between = pairs - inside
    covariance = sum(ranks - number * middle for ranks, number in zip(sums, numbers, strict=True)) * pairs / 2
    label_spread = inside * between * pairs / 4
    likeness_spread = (pairs * (float(pairs) ** 2 - 1) - ties) / 12
    if likeness_spread <= 0:
        raise InputError("parc: all samples are equally alike; give at least two features that differ")
    return float(covariance / np.sqrt(label_spread * likeness_spread))


def _rank_sums(rows: np.ndarray, sizes: np.ndarray, dtype: type) -> tuple[list[float], list[int], float]:
    """Sums of the ranks of pairs within classes, among all pairs by their product, their numbers, and `_ties`.

    Each sum and number is of one block of pairs.
    `rows` (M, dims) have length 1 and are sorted by class; products are sorted as `dtype`.
    """
    pairs = len(rows) * (len(rows) - 1) // 2
    likeness: np.ndarray = np.empty(pairs, dtype)
    within, filled = [], 0
    ends, step = np.cumsum(sizes), max(1, _SORTED // len(rows))
    for start, end in zip(ends - sizes, ends, strict=True):
        for first in range(start, end, step):
            product = rows[first : min(first + step, end)] @ rows[first:].T
            own = product[:, : end - first]
            within.append(np.sort(own[np.triu_indices(len(own), 1, end - first)].astype(dtype)))
            for values in (within[-1], product[:, end - first :].ravel()):
                likeness[filled : filled + values.size] = values
                filled += values.size
    likeness.sort()
    return [_rank_sum(likeness, values) for values in within], [values.size for values in within], _ties(likeness)


def _rank_sum(everything: np.ndarray, values: np.ndarray) -> float:
    """Sum of the ranks (from 1, ties averaged) of sorted `values` within the sorted `everything`, which holds them."""
    below, not_above = (np.searchsorted(everything, values, side) for side in ("left", "right"))
    return (below.sum() + not_above.sum() + values.size) / 2


def _ties(values: np.ndarray) -> float:
    """Sum of t^3 - t over the groups of t equal values of a sorted array, piece by piece to save memory."""
    total, start = 0.0, 0
    while start < values.size:
        last = min(start + _SORTED, values.size) - 1
        end = int(np.searchsorted(values, values[last], "right"))
        edges = np.flatnonzero(values[start + 1 : end] != values[start : end - 1]) + 1
        sizes = np.diff(edges, prepend=0, append=end - start).astype(np.float64)
        total += (sizes**3 - sizes).sum()
        start = end
    return total
