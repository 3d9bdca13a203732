"""Scores of one feature set by each metric and refinement, with their computing times."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pedrank.metrics import Score, UndefinedScore, evaluate
from pedrank.observation.observation import observe
from pedrank.observation.refinement import Refinement
from pedrank.utils.errors import about


class TimedScore(NamedTuple):
    """One score and its cost."""

    metric: str
    refinement: str
    score: Score
    seconds: float  # includes the class statistics
    size: dict[str, int]  # n samples, d features, c classes
    undefined: str = ""  # why there is no score; the score is then NaN


def timed_scores(
    features: np.ndarray,
    labels: np.ndarray,
    metrics: Sequence[str],
    options: Mapping[str, Mapping[str, Any]],
    refinements: Mapping[str, Refinement | None],
    files: Mapping[str, str | os.PathLike],
    device: str = "cpu",
    drop_undefined: bool = False,
) -> Iterator[TimedScore]:
    """Score one feature set by every metric, before and after every refinement.

    Args:
        features: (N, D) features of one dataset by one checkpoint.
        labels: (N,) integers in 0..C-1.
        metrics: Names of metrics.
        options: Keyword options of a metric, by its name; metrics without options may be missing.
        refinements: Refinements by name; None for the raw features.
        files: File that an error message names, by refinement; "none" names that of the raw features.
        device: Device that computes what is costly (see `pedrank.metrics.score`): "cpu", or torch's name of another.
        drop_undefined: Whether to yield an undefined score as NaN with the reason, instead of raising it.

    Yields:
        One score per metric and refinement.

    Raises:
        InputError: As `pedrank.metrics.evaluate`; the message starts with the file's name.
    """
    for metric in metrics:
        start = time.perf_counter()
        # A new observation for each metric: results cached for one metric would make the next look cheaper.
        with about(files["none"]):
            raw = observe(features, labels, device=device)
        observing = time.perf_counter() - start  # class statistics: computed once, part of every score's cost
        for refinement, moved in refinements.items():
            observation = raw if moved is None else raw.refined(moved)
            start = time.perf_counter()
            undefined = ""
            with about(files[refinement]):
                try:
                    score = evaluate(metric, observation, **options.get(metric, {}))
                except UndefinedScore as error:
                    if not drop_undefined:
                        raise
                    score, undefined = Score(np.nan, np.nan), error.reason
            seconds = observing + time.perf_counter() - start
            yield TimedScore(metric, refinement, score, seconds, {"n": raw.n, "d": raw.d, "c": raw.c}, undefined)
