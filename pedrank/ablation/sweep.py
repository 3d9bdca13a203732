"""Scores under many settings of PED at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.metrics import evaluate
from pedrank.observation.observation import Observation
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements.ped import simulate


def sweep(
    observation: Observation,
    reference: ReferenceStatistics,
    options: Sequence[Mapping[str, Any]],
    metric: str = "logme",
) -> list[float]:
    """Rank score of one metric under each setting of PED: keyword options of `simulate`, none for the raw features."""
    if metric == "logme":
        observation.expect_many()
    scores = []
    for setting in options:
        refined = observation
        if setting:
            refined = observation.refined(simulate(observation.statistics, reference, **setting))
        scores.append(evaluate(metric, refined).rank_score)
    return scores


def force_by_step(
    statistics: ClassStatistics, reference: ReferenceStatistics, options: Mapping[str, Any], most: int
) -> list[dict[str, float]]:
    """Force (over the first) and energy of PED by step, to the end: `most` steps, without early exit.

    Args:
        statistics: Of the features' classes.
        reference: Statistics of reference features.
        options: Keyword options of `simulate`; its end conditions are replaced.
        most: Number of steps.
    """
    path = simulate(statistics, reference, **(dict(options) | {"exit_ratio": 0.0, "max_steps": most}))
    return [
        {"lam": options["lam"], "dt": options["dt"], "step": step, "force_ratio": ratio, "energy": energy}
        for step, (ratio, energy) in enumerate(zip(path.force_ratios, path.energy, strict=True))
    ]
