"""PED with lambda by overlap: the lambda at which a given share of the pairs of classes overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements import refinement
from pedrank.refinements.ped import Balls, pair_distances, simulate
from pedrank.utils.errors import InputError


@refinement(name="ped_overlap")
def ped_by_overlap(
    statistics: ClassStatistics,
    reference: ReferenceStatistics,
    share: float = 0.5,
    dt: float = 0.1,
    k: float = 1.0,
    max_steps: int = 6,
    exit_ratio: float = 0.5,
    mode: str = "as_released",
) -> Refinement:
    """PED (Li et al. 2023, section 3.3, Alg. 1) with a lambda that class statistics choose; no paper describes it.

    The best lambda differs among datasets, and finding it needs the accuracies that a ranking should predict. Two balls
    i and j overlap if lambda > d_ij / (s_i + s_j), with d the distance of the centres and s the norm of the standard
    deviations, both in the space that the reference standardises. So lambda is the quantile `share` of these ratios
    over all pairs. It depends on features and labels only, and differs among checkpoints: all get the same share of
    overlaps. The scale of the features does not matter. O(C^2 D) time beside that of PED. Weak where the overlap itself
    tells good checkpoints from bad ones, because the choice evens it out.

    Args:
        statistics: Statistics of the features' classes.
        reference: Statistics of the features of reference images.
        share: Share of the pairs of classes that overlap, from 0 to 1.
        dt: Time step of one move, as PED's.
        k: Elasticity of the balls, as PED's.
        max_steps: Largest number of moves, as PED's.
        exit_ratio: Ratio of moves at which the simulation ends, as PED's.
        mode: "as_released" or "paper", as PED's.

    Returns:
        PED's result; `options` contains the chosen `lam` and the `share`.

    Raises:
        InputError: As PED; also if share is out of its range, or no class varies.

    >>> statistics = ClassStatistics(np.array([9, 9]), np.array([[0.0], [1.0]]), np.ones((2, 1)))
    >>> ped_by_overlap(statistics, ReferenceStatistics(np.zeros(1), np.ones(1)), share=1.0).options["lam"]
    0.5
    """
    if isinstance(share, bool) or not isinstance(share, float | int | np.number) or not 0 <= share <= 1:
        raise InputError(f"PED: share must be a number from 0 to 1, not {share!r}")
    others: dict[str, Any] = {"dt": dt, "k": k, "max_steps": max_steps, "exit_ratio": exit_ratio, "mode": mode}
    found = simulate(statistics, reference, lam=lambda_by_overlap(statistics, reference, share), **others)
    found.options["share"] = share
    return found


def lambda_by_overlap(statistics: ClassStatistics, reference: ReferenceStatistics, share: float) -> float:
    """The quantile `share` of d_ij / (s_i + s_j) over the pairs of classes; 0 for a single class.

    Args:
        statistics: Statistics of the features' classes.
        reference: Statistics of the features of reference images.
        share: From 0 to 1.

    Raises:
        InputError: No class varies, so that no lambda makes balls overlap; or the reference has other dimensions.
    """
    if reference.std.shape != statistics.means.shape[1:]:
        return 0.0  # PED refuses it and says why
    spreads = np.sqrt(statistics.variances @ reference.std**-2.0)
    pairs = np.triu_indices(len(spreads), 1)
    reach = (spreads[:, None] + spreads)[pairs]
    if not (reach > 0).any():
        if not len(reach):
            return 0.0
        raise InputError("PED: no feature varies within a class, so no lambda makes classes overlap; use another rule")
    balls = Balls.of((statistics.means - statistics.means.mean(axis=0)) / reference.std, spreads)
    distances = pair_distances(balls, np.eye(len(spreads)))[pairs]
    return float(np.quantile(distances[reach > 0] / reach[reach > 0], share))
