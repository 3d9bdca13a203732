"""Spread-Attract (SA): a refinement that pulls overlapping classes together, where PED pushes them apart."""

from __future__ import annotations

import numpy as np

from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements import refinement
from pedrank.refinements.ped import Balls, repel
from pedrank.utils.checks import check_not_negative


@refinement(name="sa")
def attract(
    statistics: ClassStatistics, reference: ReferenceStatistics | None = None, alpha: float = 0.005, sigma: float = 0.6
) -> Refinement:
    """One step of Attract on class statistics: O(C^2 D) time, O(C^2 + C D) memory.

    Khoba et al. 2025, "Feature space perturbation: a panacea to enhanced transferability estimation", as released:
    class i moves by -alpha * sum_j (sigma (r_i + r_j) - d_ij) n_ij, with r the norm of a class's standard deviations
    and n_ij the unit vector from the centre of j to that of i. This is a step of PED with the sign reversed, the
    overlap signed, no standardisation, and sigma for lambda: overlapping classes approach, separated ones part.

    Spread, which scatters the samples of a class, is computed and then overwritten in the released code; it is left
    out. So are its projection on 64 components and its test of the largest eigenvalues, which skips small features.
    """
    check_not_negative("SA", alpha=alpha, sigma=sigma)
    means = statistics.means - statistics.means.mean(axis=0)
    balls = Balls.of(means, sigma * np.sqrt(statistics.variances.sum(axis=1)))
    overlap, push = repel(balls, np.eye(len(means)), signed=True)
    mixing = np.eye(len(means)) - alpha * push
    displacement = -alpha * push @ means
    return Refinement(
        displacement=displacement,
        steps=1,
        force_ratios=np.ones(1),
        moves=np.array([np.abs(displacement).sum()]),
        forces=np.array([np.linalg.norm(push @ means, axis=1).sum()]),
        energy=np.array([0.5 * (overlap**2).sum()]),
        final_energy=float(0.5 * (repel(balls, mixing, signed=True)[0] ** 2).sum()),
        mixing=mixing,
        options={"alpha": alpha, "sigma": sigma},
    )
