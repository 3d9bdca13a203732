"""Contract tests for metrics and refinements of your own: call them from a test, or once by hand.

>>> from pedrank.testing import check_metric
>>> check_metric(my_metric)

They raise AssertionError with one sentence. What they ask of a metric is what the workflow relies on: one number for
features and labels, the same for the same ones, whatever the order of the images, and of the features as refined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pedrank.metrics import Score
from pedrank.observation.observation import Observation, observe
from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.utils.errors import InputError

TOLERANCE = 1e-6  # relative: another order of summation, and no more
REFINED_TOLERANCE = 1e-4  # relative: refined features are rounded to float32 where they are written down
_SIZES = ((60, 5, 3), (40, 64, 4), (200, 12, 2))  # samples, features, classes: more, fewer, and many samples


def check_metric(
    function: Callable[..., float | Score],
    *,
    order: bool = True,
    relabelling: bool = True,
    refined: bool = True,
    **options: object,
) -> None:
    """Raise AssertionError unless `function` is a metric as the workflow wants it.

    It returns a finite number (or a `Score`), twice the same, whatever the order of the rows; it takes read-only
    float32 features and leaves them and the labels as they are; it looks at the refined features, not the stored ones.

    Args:
        function: What `@metric` decorates: a function of an `Observation`.
        order: Whether the order of the rows changes nothing. False for a metric that starts from randomly drawn rows.
        relabelling: Whether numbering the classes otherwise changes nothing.
        refined: Whether the score follows a refinement as it follows the refined features themselves.
        options: Keyword options of the metric.
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
            _close(_score(function, features, labels.max() - labels, options), score, "classes numbered otherwise")
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
    """Raise AssertionError unless `function` is a refinement as the workflow wants it.

    It returns a `Refinement` or a finite displacement (C, D), twice the same; it leaves the statistics as they are;
    with `relabelling`, it moves the same classes the same way however they are numbered.
    """
    for features, labels in _samples():
        reference = ReferenceStatistics.from_features(features)
        statistics = ClassStatistics.from_features(features, labels)
        before = [array.copy() for array in (statistics.counts, statistics.means, statistics.variances)]
        moved = _displacement(function(statistics, reference, **options))
        after = statistics.counts, statistics.means, statistics.variances
        assert all(map(np.array_equal, before, after)), "the refinement changed the class statistics"
        shape = statistics.means.shape
        assert moved.shape == shape, f"the displacement has shape {moved.shape}, wanted {shape}: one row per class"
        assert np.isfinite(moved).all(), "the displacement is not finite"
        again = _displacement(function(statistics, reference, **options))
        assert np.array_equal(moved, again), "the refinement is not deterministic; seed its random numbers"
        if relabelling:
            turned = ClassStatistics(*(array[::-1] for array in after))
            other = _displacement(function(turned, reference, **options))[::-1]
            largest = max(np.abs(moved).max(), 1e-12)
            assert np.abs(other - moved).max() <= TOLERANCE * largest, "classes numbered otherwise move otherwise"


def _samples() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Features (N, D) float32, read-only as the workflow's are, and labels (N,) of classes of different sizes."""
    for n, d, c in _SIZES:
        random = np.random.default_rng(n)
        labels = np.sort(np.concatenate([np.arange(c).repeat(4), random.integers(0, c, n - 4 * c) ** 2 // c]))
        features = (random.normal(size=(c, d))[labels] + random.normal(size=(n, d))).astype(np.float32)
        features.flags.writeable = labels.flags.writeable = False
        yield features, labels


def _single(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same rows, the last of them a class of its own."""
    labels = labels.copy()
    labels[-1] = labels.max() + 1
    return features, labels


def _shift(statistics: ClassStatistics) -> Refinement:
    """Each class moved some way, so that a metric that ignores refinements is found out."""
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
        warnings.simplefilter("ignore")  # of classes with one sample
        return observe(features, labels)


def _value(found: object) -> float:
    """What ranks; a metric may return a float of Python or NumPy, or a Score."""
    value = found.rank_score if isinstance(found, Score) else found
    assert isinstance(value, float | int | np.floating | np.integer), f"the metric returned {type(found).__name__}"
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
        raise AssertionError(f"{what}: fails with {type(error).__name__}; raise InputError that says why") from error
    value = found.rank_score if isinstance(found, Score) else float(found)
    assert np.isfinite(value), f"{what}: the score is {value}; return a number, or raise InputError that says why"


def _displacement(found: object) -> np.ndarray:
    return found.displacement if isinstance(found, Refinement) else np.asarray(found)


def _close(found: float, expected: float, what: str, tolerance: float = TOLERANCE) -> None:
    allowed = tolerance * max(abs(expected), 1e-9)
    assert abs(found - expected) <= allowed, f"{what}: the score is {found}, not {expected}"
