"""GBC: Gaussian Bhattacharyya coefficient."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import Score, metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import each_share, thread_count

VARIANCE_FLOOR = 1e-4
_PAIRS = 128  # pairs of classes per step: large enough that threads rarely wait for each other


@metric(
    title="GBC",
    paper="Pandy et al. 2022, GBC, CVPR",
    needs="statistics",
    memory=lambda n, d, c: 8 * (5 * c * c + 4 * c * d + 600 * d * thread_count()),
)
def gbc(observation: Observation, variant: str = "diagonal") -> Score:
    """Minus the sum over ordered pairs of classes of exp(-D_B), with D_B the Bhattacharyya distance of two Gaussians.

    Pandy et al. 2022, "Transferability estimation using Bhattacharyya class separability", Eq. 1-3:

        D_B = 1/8 (m_i - m_j)^T V^-1 (m_i - m_j) + 1/2 ln(det V / sqrt(det V_i det V_j)),    V = (V_i + V_j) / 2

    with variances of at least 1e-4.

    Needs class statistics only; O(C^2 D) time, O(C D + C^2) memory. Score in [-C (C - 1), 0], higher = better;
    rank_score is -ln(sum exp(-D_B)): where classes are far apart, the score underflows to 0 and rank_score
    does not. Weak where classes have few samples (the floor decides), and where many features depend on each other: the
    distance adds up over features as if they were independent. The metric's authors first reduce the features to 64 by
    PCA; PED's authors do not say whether they did.

    Args:
        observation: Class means and variances.
        variant: "diagonal" keeps one variance per feature and class, "spherical" their mean over features.

    Raises:
        InputError: The variant is unknown.

    >>> from pedrank.observation.observation import observe
    >>> near, far = (observe(np.array([[0.0], [1], [d], [d + 1]]), np.array([0, 0, 1, 1])) for d in (1, 9))
    >>> gbc(near).score < gbc(far).score
    True
    """
    if variant not in ("diagonal", "spherical"):
        raise InputError(f"gbc: unknown variant '{variant}'; choose diagonal or spherical")
    variances = np.maximum(observation.variances, VARIANCE_FLOOR)
    if variant == "spherical":
        distances = spherical(observation.means, variances)
    elif observation.device == "cpu":
        distances = diagonal(observation.means, variances)
    else:
        from pedrank.accelerator.class_distances import diagonal_on

        distances = diagonal_on(observation.device, observation.means, variances)
    nearest = distances.min()
    log_sum = np.log(2 * np.exp(nearest - distances).sum()) - nearest
    return Score(-float(np.exp(log_sum)), -float(log_sum))


def spherical(means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Bhattacharyya distances (C (C - 1) / 2,) of all pairs i < j of classes, each with one variance for all features.

    Args:
        means: (C, D).
        variances: (C, D), positive; each class uses their mean over the D features.

    Returns:
        Distances in the order of `np.triu_indices(C, 1)`.

    >>> spherical(np.array([[0.0], [2.0]]), np.ones((2, 1)))
    array([0.5])
    """
    variance = variances.mean(axis=1)
    i, j = np.triu_indices(len(means), 1)
    between = (variance[i] + variance[j]) / 2
    squared = np.concatenate([((means[row] - means[row + 1 :]) ** 2).sum(axis=1) for row in range(len(means) - 1)])
    log_ratio = np.log(between) - (np.log(variance[i]) + np.log(variance[j])) / 2
    return squared / between / 8 + means.shape[1] / 2 * log_ratio


def diagonal(means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Bhattacharyya distances (C (C - 1) / 2,) of all pairs i < j of classes, with one variance per feature.

    Args:
        means: (C, D).
        variances: (C, D), positive.

    Returns:
        Distances in the order of `np.triu_indices(C, 1)`.
    """
    classes, dims = means.shape
    # The distance does not depend on the scale of a feature. This scale keeps products of variances near 1.
    scale = np.exp(np.log(variances).mean(axis=0))
    means, variances = means / np.sqrt(scale), variances / scale
    factors = _factors(2 * variances)
    determinants = np.log(variances).sum(axis=1)
    first = np.concatenate([[0], np.cumsum(np.arange(classes - 1, 0, -1))])  # place of each class's first pair
    distances = np.empty(first[-1])

    def compare(rows: range) -> None:
        buffers = np.empty((3, _PAIRS, dims))
        for i in rows:
            for start in range(i + 1, classes, _PAIRS):
                others = slice(start, min(start + _PAIRS, classes))
                difference, total, quotient = buffers[:, : others.stop - start]
                np.subtract(means[others], means[i], out=difference)
                np.add(variances[others], variances[i], out=total)  # 2 V
                np.divide(difference, total, out=quotient)
                squared = np.einsum("pd,pd->p", difference, quotient)
                log_ratio = _log_product(total, factors) - (determinants[others] + determinants[i]) / 2
                found = squared / 4 + (log_ratio - dims * np.log(2)) / 2
                place = first[i] + start - i - 1
                distances[place : place + len(found)] = np.maximum(
                    found, 0.0
                )  # rounding may leave a zero slightly negative

    each_share(compare, classes - 1)
    return distances


def _factors(values: np.ndarray) -> int:
    """Number of values whose product stays in the range of float64: a power of two of at most 16."""
    widest = np.abs(np.log(values)).max()
    return next((factors for factors in (16, 8, 4, 2) if factors * widest < 700), 1)


def _log_product(values: np.ndarray, factors: int) -> np.ndarray:
    """Sum of logarithms along rows (P, D), with one logarithm per product of `factors` values; overwrites `values`."""
    while factors > 1 and values.shape[1] > 1:
        half, odd = divmod(values.shape[1], 2)
        values[:, :half] *= values[:, half + odd :]
        values, factors = values[:, : half + odd], factors // 2
    return np.log(values).sum(axis=1)
