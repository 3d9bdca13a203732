"""Transferability metrics: one file per metric. A decorator registers each metric under its function's name.

A metric is a function of an `Observation` and of its own keyword options. It returns a float or a `Score`; higher is
better:

    @metric(title="Trace", memory=lambda n, d, c: 8 * d * d)
    def trace(observation):
        return float(np.trace(observation.within_scatter()))

Each module of this folder without a leading underscore is a built-in metric: it defines a function of the module's
name. `pedrank.study.plugins.load_plugin` registers the metrics of any other file.
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
    """A metric's published value, and a value for ranking that keeps the order but does not saturate."""

    score: float
    rank_score: float  # higher = better, like `score`


@dataclass(frozen=True)
class Metric:
    """A registered metric.

    Attributes:
        name: Name of the function, by which the metric is found.
        function: Maps an `Observation` and keyword options to a float or a `Score`.
        needs: "features", or "statistics" where class statistics and within-class scatter suffice.
        memory: Bytes needed beyond the features, as a function of N samples, D features and C classes.
        title: Name that tables and figures print.
        paper: Authors, year, short title and venue.
    """

    name: str
    function: Callable[..., float | Score]
    needs: str
    memory: Callable[[int, int, int], int]
    title: str
    paper: str = ""


registered: dict[str, Metric] = {}


def metric(
    needs: str = "features",
    memory: Callable[[int, int, int], int] = lambda n, d, c: 8 * n * d,
    title: str = "",
    paper: str = "",
) -> Callable[[Callable[..., float | Score]], Callable[..., float | Score]]:
    """Register the decorated function as a metric, under the function's name.

    Args:
        needs: "features", or "statistics" where class statistics and within-class scatter suffice.
        memory: Bytes needed beyond the features, as a function of N, D and C; by default a float64 copy of the
            features.
        title: Name that tables and figures print; by default the function's name.
        paper: Authors, year, short title and venue.

    Returns:
        A decorator that leaves the function unchanged.

    >>> @metric(needs="statistics", title="Classes")
    ... def classes(observation):
    ...     return float(observation.c)
    >>> score("classes", np.arange(4.0)[:, None], [0, 0, 1, 1])
    2.0
    >>> del registered["classes"]
    """

    def register(function: Callable[..., float | Score]) -> Callable[..., float | Score]:
        name = function.__name__
        registered[name] = Metric(name, function, needs, memory, title or name, paper)
        return function

    return register


def metric_names() -> list[str]:
    """Names of all metrics, sorted: the built-in ones, and those that plugins have registered.

    >>> "logme" in metric_names()
    True
    """
    built_in = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    return sorted(built_in | set(registered))


def get_metric(name: str) -> Metric:
    """The metric of that name. Its module is imported at the first call; InputError for an unknown name.

    >>> get_metric("gbc").title
    'GBC'
    """
    if name not in metric_names():
        raise InputError(f"unknown metric '{name}'; choose from {', '.join(metric_names())}")
    if name not in registered:
        importlib.import_module(f"{__name__}.{name}")
    return registered[name]


def evaluate(name: str, observation: Observation, **options: object) -> Score:
    """Score of one metric on one observation.

    Args:
        name: Name of the metric.
        observation: Features, labels and class statistics, from `pedrank.observation.observation.observe`.
        options: Keyword options of the metric.

    Returns:
        The published value and the value for ranking; the two are equal where the metric returns a float.

    Raises:
        InputError: The metric is unknown, needs more memory than is free, or gives a score that is not finite.

    >>> found = evaluate("gbc", observe(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1])))
    >>> round(found.score, 6), round(found.rank_score, 3)
    (-0.000671, 7.307)
    """
    found = get_metric(name)
    check_memory(name, observation, found.memory(observation.n, observation.d, observation.c))
    value = found.function(observation, **options)
    result = value if isinstance(value, Score) else Score(float(value), float(value))
    if not all(np.isfinite(result)):
        raise InputError(
            f"{name}: the score is {result.score}, because some features are constant or far too large; check "
            "the features"
        )
    return result


def check_memory(name: str, observation: Observation, needed: int) -> None:
    """Raise InputError if a metric needs more bytes than are free.

    Args:
        name: Name of the metric.
        observation: Its input.
        needed: Bytes needed beyond the features.
    """
    available = available_memory()
    if available is not None and needed > available:
        size = f"{observation.n} samples x {observation.d} features, {observation.c} classes"
        raise InputError(
            f"{name}: {size} need {needed / 1e9:.1f} GB, but {available / 1e9:.1f} GB are free; score fewer samples"
        )


def score(
    name: str,
    features: np.ndarray,
    labels: np.ndarray,
    refinement: Refinement | None = None,
    device: str = "cpu",
    **options: object,
) -> float:
    """Score of features with labels, after a refinement where one is given.

    Args:
        name: Name of the metric, one of `metric_names()`.
        features: (N, D) real numbers; not changed.
        labels: (N,) integers that use every value of 0..C-1; not changed.
        refinement: Displaces each class before the metric sees the features.
        device: "cpu", or torch's name of the device that computes the within-class scatter and its spectrum, such as
            "cuda". Everything else runs on the CPU.
        options: Keyword options of the metric.

    Returns:
        The published value; higher = better.

    Raises:
        InputError: As `evaluate`; also for unusable features or labels, and for a refinement of another shape.

    >>> y = np.arange(60) % 3
    >>> Z = np.random.default_rng(0).normal(size=(60, 4)) + 2 * np.eye(3, 4)[y]
    >>> round(score("knn", Z, y, k=5), 4)
    0.8333
    """
    return evaluate(name, observe(features, labels, refinement, device), **options).score
