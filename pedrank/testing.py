"""Contract tests for your own metrics and refinements: call them from a test, or once by hand.

>>> from pedrank.testing import check_metric
>>> check_metric(lambda observation: float(observation.means.var(axis=0).sum()))

They raise AssertionError with a message of one sentence. They check what the workflow relies on: a metric returns one
finite number, the same number for the same input and for any order of the images, and it scores the refined features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pedrank.metrics import Score
from pedrank.observation.observation import Observation, observe
from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.utils.errors import InputError

TOLERANCE = 1e-6  # relative; allows for another order of summation
REFINED_TOLERANCE = 1e-4  # relative; written features are rounded to float32
_SIZES = ((60, 5, 3), (40, 64, 4), (200, 12, 2))  # samples N, features D, classes C; with N > D, N < D, and N >> D


def check_metric(
    function: Callable[..., float | Score],
    *,
    order: bool = True,
    relabelling: bool = True,
    refined: bool = True,
    **options: object,
) -> None:
    """Check that a function is a metric that the workflow can use.

    The function must return a finite number or a `Score`, and the same one for the same input. It must accept read-only
    float32 features, and must change neither features nor labels. A constant feature, or a class with a single sample,
    must give a number or an InputError.

    Args:
        function: A function of an `Observation`, as decorated by `@metric`.
        order: Check that the order of the rows does not matter. False for metrics that start from randomly drawn rows.
        relabelling: Check that the numbering of the classes does not matter.
        refined: Check that a refinement gives the same score as the refined features themselves.
        options: Keyword options of the metric.

    Raises:
        AssertionError: A check fails; the message is one sentence.

    >>> check_metric(lambda observation: "high")
    Traceback (most recent call last):
        ...
    AssertionError: the metric returned str, not a number
    """
    for features, labels in _samples():
        before = features.copy(), labels.copy()
        score = _score(function, features, labels, options)
        assert np.array_equal(features, before[0]), "the metric changed the features"
        assert np.array_equal(labels, before[1]), "the metric changed the labels"
        again = _score(function, features, labels, options)
        assert again == score, f"the metric is not deterministic: {score} and {again}; seed its random numbers"
        if order:
            rows = np.random.default_rng(1).permutation(len(labels))
            _close(_score(function, features[rows], labels[rows], options), score, "rows in another order")
        if relabelling:
            _close(_score(function, features, labels.max() - labels, options), score, "classes numbered differently")
        if refined:
            refinement = _shift(observe(features, labels).statistics)
            moved = _value(function(observe(features, labels, refinement), **options))
            written = _score(function, refinement.apply(features, labels), labels, options)
            _close(moved, written, "a refinement instead of the refined features", REFINED_TOLERANCE)
    features, labels = next(_samples())
    features = features.copy()
    features[:, 0] = 1.0
    _finite_or_refused(function, features, labels, options, "a constant feature")
    _finite_or_refused(function, *_single(features, labels), options, "a class with one sample")


def check_refinement(
    function: Callable[..., Refinement | np.ndarray], *, relabelling: bool = True, **options: object
) -> None:
    """Check that a function is a refinement that the workflow can use.

    The function must return a `Refinement` or a finite displacement (C, D), and the same one for the same input. It
    must not change the statistics.

    Args:
        function: A function of class statistics and reference statistics, as decorated by `@refinement`.
        relabelling: Check that the displacement of a class does not depend on the numbering of the classes.
        options: Keyword options of the refinement.

    Raises:
        AssertionError: A check fails; the message is one sentence.

    >>> check_refinement(lambda statistics, reference: statistics.means - statistics.means.mean(axis=0))
    """
    for features, labels in _samples():
        reference = ReferenceStatistics.from_features(features)
        statistics = ClassStatistics.from_features(features, labels)
        before = [array.copy() for array in (statistics.counts, statistics.means, statistics.variances)]
        moved = _displacement(function(statistics, reference, **options))
        after = statistics.counts, statistics.means, statistics.variances
        assert all(map(np.array_equal, before, after)), "the refinement changed the class statistics"
        shape = statistics.means.shape
        assert moved.shape == shape, f"the displacement has shape {moved.shape}, not {shape}; return one row per class"
        assert np.isfinite(moved).all(), "the displacement is not finite"
        again = _displacement(function(statistics, reference, **options))
        assert np.array_equal(moved, again), "the refinement is not deterministic; seed its random numbers"
        if relabelling:
            turned = ClassStatistics(*(array[::-1] for array in after))
            other = _displacement(function(turned, reference, **options))[::-1]
            largest = max(np.abs(moved).max(), 1e-12)
            assert np.abs(other - moved).max() <= TOLERANCE * largest, (
                "the displacement depends on how the classes are numbered"
            )


def _samples() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Features (N, D) float32 and labels (N,), read-only as in the workflow, with classes of different sizes."""
    for n, d, c in _SIZES:
        random = np.random.default_rng(n)
        labels = np.sort(np.concatenate([np.arange(c).repeat(4), random.integers(0, c, n - 4 * c) ** 2 // c]))
        features = (random.normal(size=(c, d))[labels] + random.normal(size=(n, d))).astype(np.float32)
        features.flags.writeable = labels.flags.writeable = False
        yield features, labels


def _single(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same rows, with the last one as the only sample of a new class."""
    labels = labels.copy()
    labels[-1] = labels.max() + 1
    return features, labels


def _shift(statistics: ClassStatistics) -> Refinement:
    """A random displacement of each class, which reveals a metric that ignores refinements."""
    displacement = np.random.default_rng(2).normal(size=statistics.means.shape)
    nothing = np.zeros(1)
    return Refinement(displacement, 1, np.ones(1), np.ones(1), nothing, nothing, 0.0)


def _score(
    function: Callable[..., float | Score], features: np.ndarray, labels: np.ndarray, options: dict[str, object]
) -> float:
    return _value(function(_observe(features, labels), **options))


def _observe(features: np.ndarray, labels: np.ndarray) -> Observation:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes with a single sample
        return observe(features, labels)


def _value(found: object) -> float:
    """The value for ranking; a metric may return a Python or NumPy number, or a Score."""
    value = found.rank_score if isinstance(found, Score) else found
    assert isinstance(value, float | int | np.floating | np.integer), (
        f"the metric returned {type(found).__name__}, not a number"
    )
    assert np.isfinite(float(value)), f"the score is {value}, not finite"
    return float(value)


def _finite_or_refused(
    function: Callable[..., float | Score],
    features: np.ndarray,
    labels: np.ndarray,
    options: dict[str, object],
    what: str,
) -> None:
    try:
        found = function(_observe(features, labels), **options)
    except InputError:
        return
    except Exception as error:
        raise AssertionError(f"{what}: fails with {type(error).__name__}; raise an InputError that says why") from error
    value = found.rank_score if isinstance(found, Score) else float(found)
    assert np.isfinite(value), f"{what}: the score is {value}; return a number, or raise an InputError that says why"


def _displacement(found: object) -> np.ndarray:
    return found.displacement if isinstance(found, Refinement) else np.asarray(found)


def _close(found: float, expected: float, what: str, tolerance: float = TOLERANCE) -> None:
    allowed = tolerance * max(abs(expected), 1e-9)
    assert abs(found - expected) <= allowed, f"{what}: the score is {found}, not {expected}"
