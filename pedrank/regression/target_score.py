"""Score of features by targets that are no classes, by the name of the metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pedrank.metrics import get_metric
from pedrank.regression.knn_regression import knn_outputs
from pedrank.regression.logme_regression import logme_regression
from pedrank.regression.probe_regression import probe_outputs
from pedrank.regression.target_fit import mean_average_precision, r_squared
from pedrank.regression.targets import REGRESSION, checked_rows, checked_targets
from pedrank.utils.arrays import as_numpy
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "logme": logme_regression,
    "knn": knn_outputs,
    "linear_probe": probe_outputs,
}
ALLOWED = tuple(_FUNCTIONS)  # metrics of `pedrank.metrics` that need no classes


def target_score(name: str, features: ArrayLike, targets: ArrayLike, task: str = REGRESSION, **options: Any) -> float:
    """Score of features by targets that are real numbers, or by several labels per sample.

    Args:
        name: logme (log evidence), knn or linear_probe (R2 for real numbers, mean average precision for labels).
        features: (N, D) real numbers.
        targets: (N,) or (N, K) real numbers; for "labels" (N, K) of 0 and 1, K >= 2. Means are over the K columns.
        task: "regression", or "labels" for several labels per sample.
        options: Keyword options: mode and standardised of `pedrank.regression.logme_regression`, k and distance of
            `pedrank.regression.knn_regression`, folds and seed of `pedrank.regression.probe_regression`.

    Returns:
        The score; higher = better.

    Raises:
        InputError: The metric is unknown, needs one class per sample or lacks the option, or features or targets are
            unusable.

    >>> import numpy as np
    >>> Z = np.random.default_rng(0).normal(size=(80, 3))
    >>> target_score("knn", Z, Z[:, 0]) > 0.5, round(target_score("linear_probe", Z, Z[:, 0]), 3)
    (True, 1.0)
    """
    check_allowed(name, task)
    y = checked_targets(as_numpy(targets), task)
    rows = checked_rows(as_numpy(features), len(y))
    function = _FUNCTIONS[name]
    known = list(inspect.signature(function).parameters)[2:]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise InputError(f"{name}: unknown option '{unknown[0]}'; choose from {', '.join(known)}")
    outputs = function(rows, y, **options)
    if name == "logme":
        return outputs  # the score itself
    return r_squared(y, outputs) if task == REGRESSION else mean_average_precision(y, outputs)


def check_allowed(name: str, task: str) -> None:
    """Raise InputError for a metric that is unknown or needs one class per sample.

    Args:
        name: Name of the metric.
        task: "regression" or "labels".

    >>> check_allowed("gbc", "labels")
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: gbc needs one class per sample; several labels allow logme, knn and linear_probe
    """
    if name in ALLOWED:
        return
    get_metric(name)  # an unknown name
    given = "real numbers" if task == REGRESSION else "several labels"
    raise InputError(f"{name} needs one class per sample; {given} allow {', '.join(ALLOWED[:-1])} and {ALLOWED[-1]}")
