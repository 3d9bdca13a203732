"""Which keyword options a function takes: what a misspelt one in a configuration is held against."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def accepted(function: Callable[..., object], skip: int) -> list[str] | None:
    """Names of the parameters behind the first `skip`; None for a function that takes any keyword."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]
