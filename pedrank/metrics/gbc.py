"""GBC: Gaussian Bhattacharyya coefficient."""

from __future__ import annotations

import numpy as np

from pedrank.errors import InputError
from pedrank.metrics import Score, metric
from pedrank.observation import Observation
from pedrank.parallel import each

VARIANCE_FLOOR = 1e-4
_PAIRS = 64  # pairs of classes compared at a time, so that their D numbers each stay in the processor's cache


@metric(needs="statistics", memory=lambda n, d, c: 8 * (c * c + 6 * c * d))
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
    std = np.sqrt(variances)
    inverse_std = 1 / std
    i, j = np.triu_indices(len(means), 1)
    distances = np.empty(len(i))

    def compare(start: int) -> None:
        a, b = i[start : start + _PAIRS], j[start : start + _PAIRS]
        squared = means[a] - means[b]
        squared *= squared
        squared /= variances[a] + variances[b]
        # (V_i + V_j) / 2 over sqrt(V_i V_j), at least 1, so that sixteen can be multiplied before taking a logarithm.
        ratio = std[a] * inverse_std[b]
        ratio += inverse_std[a] * std[b]
        ratio *= 0.5
        distances[start : start + _PAIRS] = squared.sum(axis=1) / 4 + _log_product(ratio) / 2

    each(compare, range(0, len(i), _PAIRS))
    return distances


def _log_product(ratio: np.ndarray) -> np.ndarray:
    """Sum of logarithms along rows (P, D), with one logarithm for sixteen factors."""
    for _ in range(4):
        half, odd = divmod(ratio.shape[1], 2)
        if half == 0:
            break
        product = ratio[:, : half + odd].copy()
        product[:, :half] *= ratio[:, half + odd :]
        ratio = product
    return np.log(ratio).sum(axis=1)
