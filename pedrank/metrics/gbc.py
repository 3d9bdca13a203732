"""GBC: Gaussian Bhattacharyya coefficient."""

from __future__ import annotations

import numpy as np

from pedrank.errors import InputError
from pedrank.metrics import Score, metric
from pedrank.observation import Observation
from pedrank.parallel import each

VARIANCE_FLOOR = 1e-4


@metric(needs="statistics", memory=lambda n, d, c: 8 * (c * c + 6 * c * d))
def gbc(observation: Observation, variant: str = "diagonal") -> Score:
    """Minus the sum over ordered pairs of classes of exp(-D_B), D_B the Bhattacharyya distance of two Gaussians.

    Pandy et al. 2022, "Transferability estimation using Bhattacharyya class separability", Eq. 1-3:

        D_B = 1/8 (m_i - m_j)^T V^-1 (m_i - m_j) + 1/2 ln(det V / sqrt(det V_i det V_j)),    V = (V_i + V_j) / 2

    with variances floored at 1e-4. "diagonal" keeps one variance per feature, "spherical" their mean for all features.

    Needs class statistics only; O(C^2 D) time, O(C D + C^2) memory. Score in (-C (C - 1), 0]; rank_score is
    -ln(sum exp(-D_B)), which does not underflow to ties at 0 when classes are far apart.
    Weak where classes have few samples (the floor decides) and where features are many and dependent. The paper reduces
    features to 64 by PCA first; the published numbers of PED do not say.
    """
    if variant not in ("diagonal", "spherical"):
        raise InputError(f"gbc: unknown variant '{variant}'; it is diagonal or spherical")
    distances = bhattacharyya(observation.means, observation.variances, variant)
    log_sum = np.log(2) + _log_sum_exp(-distances)
    return Score(-float(np.exp(log_sum)), -float(log_sum))


def bhattacharyya(means: np.ndarray, variances: np.ndarray, variant: str) -> np.ndarray:
    """Bhattacharyya distances of all pairs i < j of classes with means and variances (C, D), row after row."""
    variances = np.maximum(variances, VARIANCE_FLOOR)
    if variant == "spherical":
        variance = variances.mean(axis=1)
        i, j = np.triu_indices(len(means), 1)
        between = (variance[i] + variance[j]) / 2
        squared = np.concatenate([((means[row] - means[row + 1 :]) ** 2).sum(axis=1) for row in range(len(means) - 1)])
        log_ratio = np.log(between) - (np.log(variance[i]) + np.log(variance[j])) / 2
        return squared / between / 8 + means.shape[1] / 2 * log_ratio
    logs = np.log(variances).sum(axis=1)
    rows: list[np.ndarray] = [np.empty(0)] * (len(means) - 1)

    def row(i: int) -> None:
        between = (variances[i] + variances[i + 1 :]) / 2
        squared = (means[i] - means[i + 1 :]) ** 2
        squared /= between
        log_between = np.log(between).sum(axis=1)
        rows[i] = squared.sum(axis=1) / 8 + 0.5 * (log_between - (logs[i] + logs[i + 1 :]) / 2)

    each(row, range(len(means) - 1))
    return np.concatenate(rows)


def _log_sum_exp(values: np.ndarray) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()))
