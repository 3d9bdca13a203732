"""Spread-Attract (SA): a refinement that pulls overlapping classes together; PED pushes them apart."""

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
    class i moves by -alpha * sum_j (sigma (r_i + r_j) - d_ij) n_ij, with r the norm of a class's standard deviations,
    d_ij the distance of the centres, and n_ij the unit vector from the centre of j to that of i. This is a step of PED
    with the sign reversed, the overlap signed, no standardisation, and sigma for lambda: overlapping classes approach
    each other, separated classes move apart.

    Three parts of the released code are left out: Spread, which scatters the samples of a class and is computed and
    then overwritten there; the projection on 64 components; and the test of the largest eigenvalues, which skips small
    features.

    Args:
        statistics: Statistics of the features' classes.
        reference: Ignored; every refinement takes it.
        alpha: Step size.
        sigma: Radius coefficient, as PED's lambda.

    Returns:
        The displacement (C, D) of each class, and force and energy before and after the step.

    Raises:
        InputError: An option is negative or not finite.

    >>> statistics = ClassStatistics(np.array([2, 2]), np.array([[0.0], [1.0]]), np.ones((2, 1)))
    >>> attract(statistics).displacement.ravel().round(6)  # 0.005 x overlap 0.2
    array([ 0.001, -0.001])
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
