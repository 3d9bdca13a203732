"""Refinements: how classes may be moved before a metric sees them. PED is one, SA another, a user's own a third.

A refinement is a function of class statistics, reference statistics and its own keyword options that returns a
`Refinement`, or just the displacement (C, D) of each class in feature space:

    @refinement
    def apart(statistics, reference, factor=1.0):
        return factor * (statistics.means - statistics.means.mean(axis=0))

Classes move as wholes: what needs to see single samples is no refinement in this sense. The built-in ones are modules
of this folder, loaded by their names; a file anywhere else registers its own by `pedrank.study.plugins.load_plugin`.
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

BUILT_IN = {"ped": "ped", "sa": "spread_attract"}  # the module of each

Move = Callable[..., Refinement | np.ndarray]

registered: dict[str, Move] = {}


def refinement(function: Move | None = None, *, name: str = "") -> Any:
    """Register the decorated function under its own name, or under `name`."""
    if function is None:
        return partial(refinement, name=name)
    registered[name or function.__name__] = function
    return function


def refinement_names() -> list[str]:
    """Names of all refinements: the built-in ones, and those registered from elsewhere."""
    return sorted({*BUILT_IN, *registered})


def get_refinement(name: str) -> Move:
    """The refinement of that name, its module imported only now; InputError when there is none."""
    if name not in registered:
        if name not in BUILT_IN:
            raise InputError(f"no refinement '{name}'; there are {', '.join(refinement_names())}")
        importlib.import_module(f"{__name__}.{BUILT_IN[name]}")
    return registered[name]


def move(statistics: ClassStatistics, reference: ReferenceStatistics, by: str = "ped", **options: object) -> Refinement:
    """Classes moved by the refinement named `by`; InputError when there is none, or its displacement does not fit."""
    found = get_refinement(by)(statistics, reference, **options)
    if isinstance(found, Refinement):
        return found
    displacement = np.asarray(found, dtype=np.float64)
    if displacement.shape != statistics.means.shape or not np.isfinite(displacement).all():
        raise InputError(
            f"refinement '{by}': returned {displacement.shape}, wanted a finite displacement {statistics.means.shape}"
        )
    size, none = np.array([np.abs(displacement).sum()]), np.zeros(1)
    return Refinement(displacement, 1, np.ones(1), size, none, none, 0.0, dict(options))


def option_names(by: str) -> list[str] | None:
    """Names of the options of the refinement `by`; None where it takes any."""
    return accepted(get_refinement(by), skip=2)
