"""Scores of one feature set, metric by metric and refinement by refinement, each with what it cost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pedrank.metrics import Score, evaluate
from pedrank.observation.observation import observe
from pedrank.observation.refinement import Refinement
from pedrank.utils.errors import about


class TimedScore(NamedTuple):
    """One score, its seconds (the class statistics included), and the size of what was scored."""

    metric: str
    refinement: str
    score: Score
    seconds: float
    size: dict[str, int]  # n samples, d features, c classes


def timed_scores(
    features: np.ndarray,
    labels: np.ndarray,
    metrics: Sequence[str],
    options: Mapping[str, Mapping[str, Any]],
    refinements: Mapping[str, Refinement | None],
    files: Mapping[str, str | os.PathLike],
    device: str = "cpu",
) -> Iterator[TimedScore]:
    """The scores of features (N, D) with labels (N,).

    Args:
        features, labels: Of one pair of dataset and checkpoint.
        metrics: Names of metrics.
        options: Keyword options by metric, where it has any.
        refinements: By name, None for the raw features.
        files: By refinement, the file that a message names.
        device: Where the within-class scatter and its spectrum are computed.
    """
    for metric in metrics:
        start = time.perf_counter()
        # Observed anew: what an observation keeps for one metric would make the next look cheaper than it is.
        with about(files["none"]):
            raw = observe(features, labels, device=device)
        observing = time.perf_counter() - start  # the class statistics: part of every score's cost, computed once
        for refinement, moved in refinements.items():
            observation = raw if moved is None else raw.refined(moved)
            start = time.perf_counter()
            with about(files[refinement]):
                score = evaluate(metric, observation, **options.get(metric, {}))
            seconds = observing + time.perf_counter() - start
            yield TimedScore(metric, refinement, score, seconds, {"n": raw.n, "d": raw.d, "c": raw.c})
