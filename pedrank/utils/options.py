"""Keyword options that a function accepts; used to detect misspelt options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection

from pedrank.utils.errors import InputError, nearest


def accepted(function: Callable[..., object], skip: int) -> list[str] | None:
    """Names of the parameters behind the first `skip`; None for a function that takes any keyword."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]


def check_options(where: str, given: Collection[str], known: Collection[str] | None) -> None:
    """Raise InputError for the first option that is not known; `where` opens the message. None accepts every option."""
    for option in given if known is not None else ():
        if option not in known:
            remedy = nearest(option, known) if known else "there are no options"
            raise InputError(f"{where}: unknown option '{option}'; {remedy}")
