"""Refinements: how classes may be moved before a metric sees them. PED is one, SA another, a user's own a third.

A refinement is a function of class statistics, reference statistics and its own keyword options that returns a
`Refinement`, or just the displacement (C, D) of each class in feature space:

    @refinement
    def apart(statistics, reference, factor=1.0):
        return factor * (statistics.means - statistics.means.mean(axis=0))

Classes move as wholes: what needs to see single samples is no refinement in this sense.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from pedrank.attract import attract
from pedrank.dynamics import MODES, Refinement, simulate
from pedrank.errors import InputError
from pedrank.options import accepted
from pedrank.statistics import ClassStatistics, ReferenceStatistics

registered: dict[str, Callable[..., Refinement | np.ndarray]] = {}


def refinement(function: Callable[..., Refinement | np.ndarray]) -> Callable[..., Refinement | np.ndarray]:
    """Register the decorated function under its own name."""
    registered[function.__name__] = function
    return function


@refinement
def ped(statistics: ClassStatistics, reference: ReferenceStatistics, **options: object) -> Refinement:
    """Potential Energy Decline, the paper's: `pedrank.dynamics.simulate`."""
    return simulate(statistics, reference, **options)


@refinement
def sa(statistics: ClassStatistics, reference: ReferenceStatistics, **options: object) -> Refinement:
    """Spread-Attract, which needs no reference: `pedrank.attract.attract`."""
    return attract(statistics, **options)


def move(statistics: ClassStatistics, reference: ReferenceStatistics, by: str = "ped", **options: object) -> Refinement:
    """Classes moved by the refinement named `by`; InputError when there is none, or its displacement does not fit."""
    if by not in registered:
        raise InputError(f"no refinement '{by}'; there are {', '.join(sorted(registered))}")
    found = registered[by](statistics, reference, **options)
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
    if by == "ped":
        settings = [name for name in inspect.signature(simulate).parameters if name != "differences"]
        return [*settings[2:], *MODES["paper"]]
    return accepted(attract, skip=1) if by == "sa" else accepted(registered[by], skip=2)
