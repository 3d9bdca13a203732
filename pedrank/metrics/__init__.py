"""Transferability metrics: one file each, found by its name, registered by a decorator.

A metric is a function of an `Observation` and of its own keyword options that returns a float, higher = better, or a
`Score`:

    @metric(memory=lambda n, d, c: 8 * d * d)
    def trace(observation):
        return float(np.trace(observation.within_scatter()))

A file of this folder that defines a metric of the file's own name is a built-in metric; a file anywhere else
registers its metrics by `pedrank.study.plugins.load`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pedrank.observation.observation import Observation, observe
from pedrank.observation.refinement import Refinement
from pedrank.utils.errors import InputError
from pedrank.utils.memory import available_memory


class Score(NamedTuple):
    """A metric's value as published, and the form that rankings use: of the same order, but it does not saturate."""

    score: float
    rank_score: float


@dataclass(frozen=True)
class Metric:
    """A registered metric."""

    name: str
    function: Callable[..., float | Score]
    needs: str  # "features", or "statistics" where class statistics and within-class scatter suffice
    memory: Callable[[int, int, int], int]  # bytes beyond the features at N samples, D features, C classes


registered: dict[str, Metric] = {}


def metric(
    needs: str = "features", memory: Callable[[int, int, int], int] = lambda n, d, c: 8 * n * d
) -> Callable[[Callable[..., float | Score]], Callable[..., float | Score]]:
    """Register the decorated function under its own name; the default memory is one float64 copy of the features."""

    def register(function: Callable[..., float | Score]) -> Callable[..., float | Score]:
        registered[function.__name__] = Metric(function.__name__, function, needs, memory)
        return function

    return register


def metric_names() -> list[str]:
    """Names of all metrics: those of this folder, and those registered from elsewhere."""
    built_in = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    return sorted(built_in | set(registered))


def get_metric(name: str) -> Metric:
    """The metric of that name, its module imported only now; InputError when there is none."""
    if name not in metric_names():
        raise InputError(f"no metric '{name}'; there are {', '.join(metric_names())}")
    if name not in registered:
        importlib.import_module(f"{__name__}.{name}")
    return registered[name]


def evaluate(name: str, observation: Observation, **options: object) -> Score:
    """Score of one metric on one observation.

    Raises InputError for an unknown metric, for one that needs more memory than there is, and for a score that is not
    finite.
    """
    found = get_metric(name)
    needed, available = found.memory(observation.n, observation.d, observation.c), available_memory()
    if available is not None and needed > available:
        size = f"{observation.n} samples x {observation.d} features, {observation.c} classes"
        raise InputError(
            f"{name}: {size} take {needed / 1e9:.1f} GB, {available / 1e9:.1f} GB are free; score fewer rows"
        )
    value = found.function(observation, **options)
    result = value if isinstance(value, Score) else Score(float(value), float(value))
    if not all(np.isfinite(result)):
        raise InputError(
            f"{name}: the score is {result.score}; look at the features, some are constant or far too large"
        )
    return result


def score(
    name: str,
    features: np.ndarray,
    labels: np.ndarray,
    refinement: Refinement | None = None,
    device: str = "cpu",
    **options: object,
) -> float:
    """Score of features (N, D) with labels (N,), after a refinement where one is given; neither array is changed.

    With `device` "cuda" the scatter matrix and its spectrum are computed there, and everything else here.
    """
    return evaluate(name, observe(features, labels, refinement, device), **options).score
