"""Refinements: rules that move classes before a metric sees them, such as PED, SA, or a rule in a user's file.

A refinement is a function of class statistics, reference statistics and its own keyword options. It returns a
`Refinement`, or only the displacement (C, D) of each class in feature space:

    @refinement
    def apart(statistics, reference, factor=1.0):
        return factor * (statistics.means - statistics.means.mean(axis=0))

All samples of a class move together, so a refinement never sees single samples. The built-in refinements are modules
of this folder, loaded by name. `pedrank.study.plugins.load_plugin` registers the refinements of any other file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.utils.errors import InputError
from pedrank.utils.options import accepted

BUILT_IN = {"ped": "ped", "ped_overlap": "ped_overlap", "sa": "spread_attract"}  # module of each name

Move = Callable[..., Refinement | np.ndarray]

registered: dict[str, Move] = {}


def refinement(function: Move | None = None, *, name: str = "") -> Any:
    """Register the decorated function as a refinement.

    Args:
        function: A refinement; None where the decorator is called with a name.
        name: Name of the refinement; by default the function's name.

    Returns:
        The function unchanged, or a decorator.

    >>> @refinement
    ... def still(statistics, reference):
    ...     return 0 * statistics.means
    >>> get_refinement("still") is still
    True
    >>> del registered["still"]
    """
    if function is None:
        return partial(refinement, name=name)
    registered[name or function.__name__] = function
    return function


def refinement_names() -> list[str]:
    """Names of all refinements, sorted: the built-in ones, and those that plugins have registered.

    >>> {"ped", "sa"} <= set(refinement_names())
    True
    """
    return sorted({*BUILT_IN, *registered})


def get_refinement(name: str) -> Move:
    """The refinement of that name. Its module is imported at the first call; InputError for an unknown name."""
    if name not in registered:
        if name not in BUILT_IN:
            raise InputError(f"unknown refinement '{name}'; choose from {', '.join(refinement_names())}")
        importlib.import_module(f"{__name__}.{BUILT_IN[name]}")
    return registered[name]


def move(
    statistics: ClassStatistics, reference: ReferenceStatistics | None, by: str = "ped", **options: object
) -> Refinement:
    """Apply a refinement to class statistics.

    Args:
        statistics: Statistics of the features' classes.
        reference: Reference statistics; None suffices for refinements that ignore them, such as "sa".
        by: Name of the refinement.
        options: Keyword options of the refinement.

    Returns:
        The displacement of each class, and the path that led to it.

    Raises:
        InputError: The refinement is unknown, or its displacement is not finite or not of shape (C, D).

    >>> statistics = ClassStatistics(np.array([2, 2]), np.array([[0.0], [1.0]]), np.ones((2, 1)))
    >>> move(statistics, ReferenceStatistics(np.zeros(1), np.ones(1)), lam=1.0).displacement.ravel() < 0
    array([ True, False])
    """
    found = get_refinement(by)(statistics, reference, **options)
    if isinstance(found, Refinement):
        return found
    displacement = np.asarray(found, dtype=np.float64)
    if displacement.shape != statistics.means.shape or not np.isfinite(displacement).all():
        raise InputError(
            f"refinement '{by}': must return a displacement of shape {statistics.means.shape} with finite values; "
            f"it returned shape {displacement.shape}"
        )
    size, none = np.array([np.abs(displacement).sum()]), np.zeros(1)
    return Refinement(displacement, 1, np.ones(1), size, none, none, 0.0, dict(options))


def option_names(by: str) -> list[str] | None:
    """Names of the options of the refinement `by`; None where it accepts any option.

    >>> option_names("sa")
    ['alpha', 'sigma']
    """
    return accepted(get_refinement(by), skip=2)
