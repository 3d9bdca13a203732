"""Scores under many settings of PED at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.metrics import evaluate
from pedrank.observation.observation import Observation
from pedrank.observation.statistics import ReferenceStatistics
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
