"""GBC: Gaussian Bhattacharyya coefficient."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import Score, metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import each_share

VARIANCE_FLOOR = 1e-4
_PAIRS = 128  # pairs of classes compared at a time: large enough that threads rarely wait for each other


@metric(needs="statistics", memory=lambda n, d, c: 8 * (c * c + 6 * c * d + 1000 * d))
def gbc(observation: Observation, variant: str = "diagonal") -> Score:
    """Minus the sum over ordered pairs of classes of exp(-D_B), D_B the Bhattacharyya distance of two Gaussians.

    Pandy et al. 2022, "Transferability estimation using Bhattacharyya class separability", Eq. 1-3:

        D_B = 1/8 (m_i - m_j)^T V^-1 (m_i - m_j) + 1/2 ln(det V / sqrt(det V_i det V_j)),    V = (V_i + V_j) / 2

    with variances floored at 1e-4. "diagonal" keeps one variance per feature, "spherical" their mean for all features.

    Needs class statistics only; O(C^2 D) time, O(C D + C^2) memory. Score in [-C (C - 1), 0], higher = better;
    rank_score is -ln(sum exp(-D_B)), which does not underflow to ties at 0 when classes are far apart. Weak where
    classes have few samples (the floor decides), and where features are many and dependent: the distance adds up over
    them as if they were not. The metric's authors reduce features to 64 by PCA first, PED's do not say.
    """
    if variant not in ("diagonal", "spherical"):
        raise InputError(f"gbc: unknown variant '{variant}'; it is diagonal or spherical")
    variances = np.maximum(observation.variances, VARIANCE_FLOOR)
    distances = (
        diagonal(observation.means, variances) if variant == "diagonal" else spherical(observation.means, variances)
    )
    nearest = distances.min()
    log_sum = np.log(2 * np.exp(nearest - distances).sum()) - nearest
    return Score(-float(np.exp(log_sum)), -float(log_sum))


def spherical(means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Bhattacharyya distances of all pairs i < j of classes with one variance for all features."""
    variance = variances.mean(axis=1)
    i, j = np.triu_indices(len(means), 1)
    between = (variance[i] + variance[j]) / 2
    squared = np.concatenate([((means[row] - means[row + 1 :]) ** 2).sum(axis=1) for row in range(len(means) - 1)])
    log_ratio = np.log(between) - (np.log(variance[i]) + np.log(variance[j])) / 2
    return squared / between / 8 + means.shape[1] / 2 * log_ratio


def diagonal(means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Bhattacharyya distances of all pairs i < j of classes with means and variances (C, D)."""
    classes, dims = means.shape
    # The distance does not depend on the scale of a feature: at this one, products of variances stay near 1.
    scale = np.exp(np.log(variances).mean(axis=0))
    means, variances = means / np.sqrt(scale), variances / scale
    factors = _factors(2 * variances)
    determinants = np.log(variances).sum(axis=1)
    first = np.concatenate([[0], np.cumsum(np.arange(classes - 1, 0, -1))])  # where the pairs of i begin
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
                distances[place : place + len(found)] = np.maximum(found, 0.0)  # rounding of what is zero

    each_share(compare, classes - 1)
    return distances


def _factors(values: np.ndarray) -> int:
    """How many of these may be multiplied without leaving the range of float64; up to sixteen, a power of two."""
    widest = np.abs(np.log(values)).max()
    return next((factors for factors in (16, 8, 4, 2) if factors * widest < 700), 1)


def _log_product(values: np.ndarray, factors: int) -> np.ndarray:
    """Sum of logarithms along rows (P, D), with one logarithm for so many factors; overwrites `values`."""
    while factors > 1 and values.shape[1] > 1:
        half, odd = divmod(values.shape[1], 2)
        values[:, :half] *= values[:, half + odd :]
        values, factors = values[:, : half + odd], factors // 2
    return np.log(values).sum(axis=1)
