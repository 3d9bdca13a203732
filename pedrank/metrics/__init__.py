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
from pedrank.utils.memory import ShortMemoryError, check_free


class UndefinedScore(InputError):
    """A metric has no value on these features and labels.

    Attributes:
        reason: The message without the metric's name.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


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

_LARGE = 1e25  # beyond it, products of sums of squares leave float64
_OVERHEAD = 2**24  # bytes of any score: buffers of threads, and what the allocator keeps
_FAR = 1e6  # beyond it, squares in float64 keep fewer than four digits of the variances


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


def bytes_needed(name: str, n: int, d: int, c: int) -> int:
    """Bytes that a score needs beyond the features: those of the metric, and those of the class statistics.

    Args:
        name: Name of the metric.
        n: Number of samples.
        d: Number of features.
        c: Number of classes.

    Raises:
        InputError: The metric is unknown.

    >>> bytes_needed("gbc", 1000, 64, 10) < bytes_needed("gbc", 1000, 64, 20)
    True
    """
    statistics = _OVERHEAD + 8 * (5 * c * d + 4 * n)
    return get_metric(name).memory(n, d, c) + statistics


def block_outputs(n: int, d: int, c: int) -> int:
    """Numbers in the outputs (b, C) of the b rows of one block of `Observation.blocks`; for the `memory` of metrics.

    >>> block_outputs(10_000, 2048, 100)
    102400
    """
    return min(n, max(256, 2**21 // d)) * c


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
        InputError: The metric is unknown or needs more memory than is free.
        UndefinedScore: The metric refuses the features, fails on them, or gives a score that is not finite.

    >>> found = evaluate("gbc", observe(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1])))
    >>> round(found.score, 6), round(found.rank_score, 3)
    (-0.000671, 7.307)
    """
    found = get_metric(name)
    check_memory(name, observation, bytes_needed(name, observation.n, observation.d, observation.c))
    try:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # the result is checked below
            value = found.function(observation, **options)
    except ShortMemoryError:  # of an option that needs more; not a property of the features, so never left out
        raise
    except InputError as error:
        raise UndefinedScore(name, str(error).removeprefix(f"{name}: ")) from None
    except np.linalg.LinAlgError:
        why = why_undefined(observation) or "its equations have no unique solution; use another metric"
        raise UndefinedScore(name, why) from None
    result = value if isinstance(value, Score) else Score(float(value), float(value))
    if not all(np.isfinite(result)):
        raise UndefinedScore(name, why_undefined(observation) or f"the score is {result.score}; use another metric")
    return result


def why_undefined(observation: Observation) -> str | None:
    """The property of the features that leaves a score undefined, and a remedy; None if they are ordinary.

    >>> why_undefined(observe(np.array([[1.0], [1.0], [2.0], [2.0]]), np.array([0, 0, 1, 1])))
    'no feature varies within a class; use another metric'
    """
    means, variances = observation.means, observation.variances
    spread = float(np.sqrt(variances.max() + np.square(means - observation.mean).max()))
    largest = float(np.abs(means).max())
    if spread <= 1e-15 * largest:
        return "all features are the same for all samples; leave out this checkpoint"
    if not variances.any():
        if (observation.counts == 1).all():
            return "every class has a single sample; give more samples, or use another metric"
        return "no feature varies within a class; use another metric"
    if max(largest, spread) > _LARGE:
        return f"features reach {max(largest, spread):.0e}, too large for sums of products; divide them by a constant"
    if largest > _FAR * spread:
        return f"features are {largest / spread:.0e} times farther from zero than they vary; subtract their mean"
    return None


def check_memory(name: str, observation: Observation, needed: int) -> None:
    """Raise InputError if a metric needs more bytes than are free.

    Args:
        name: Name of the metric.
        observation: Its input.
        needed: Bytes needed beyond the features.
    """
    size = f"{observation.n} samples x {observation.d} features, {observation.c} classes"
    check_free(f"{name}: {size}", needed, "score fewer samples")


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
        device: "cpu", or torch's name of the device that computes what is costly, such as "cuda": class statistics,
            scatter and its spectrum, and all of NLEEP, PARC, SFDA, LDA, GBC and k-NN that grows with the features.
            Other metrics, and options outside the published form, run on the CPU for the rest (docs/metrics.md).
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
