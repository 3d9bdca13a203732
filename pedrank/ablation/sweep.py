"""Scores and forces under many settings of PED."""

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
    metric_options: Mapping[str, Any] | None = None,
) -> list[float]:
    """Rank score of one metric under each setting of PED.

    Args:
        observation: Raw features and labels, from `pedrank.observation.observation.observe`.
        reference: Statistics of the features of reference images.
        options: Settings, each the keyword options of `simulate`; an empty one scores the raw features.
        metric: Name of the metric.
        metric_options: Keyword options of the metric.

    Returns:
        One rank score per setting.

    Raises:
        InputError: As the metric and PED do.

    >>> import numpy as np
    >>> from pedrank.observation.observation import observe
    >>> y = np.repeat([0, 1], 20)
    >>> Z = np.random.default_rng(0).normal(size=(40, 3)) + y[:, None]
    >>> raw, refined = sweep(observe(Z, y), ReferenceStatistics.from_features(Z), [{}, {"lam": 0.9}])
    >>> raw < refined
    True
    """
    if metric == "logme":
        observation.expect_many()
    scores = []
    for setting in options:
        refined = observation
        if setting:
            refined = observation.refined(simulate(observation.statistics, reference, **setting))
        scores.append(evaluate(metric, refined, **(metric_options or {})).rank_score)
    return scores


def force_by_step(
    statistics: ClassStatistics, reference: ReferenceStatistics, options: Mapping[str, Any], most: int
) -> list[dict[str, float]]:
    """Force and energy of PED by step, without early exit.

    Args:
        statistics: Statistics of the features' classes.
        reference: Statistics of the features of reference images.
        options: Keyword options of `simulate`, among them lam and dt; exit_ratio and max_steps are replaced.
        most: Number of steps.

    Returns:
        One row per step: lam, dt, step, force_ratio (size of the move divided by that of the first), energy.
    """
    path = simulate(statistics, reference, **(dict(options) | {"exit_ratio": 0.0, "max_steps": most}))
    return [
        {"lam": options["lam"], "dt": options["dt"], "step": step, "force_ratio": ratio, "energy": energy}
        for step, (ratio, energy) in enumerate(zip(path.force_ratios, path.energy, strict=True))
    ]
