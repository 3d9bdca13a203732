"""Keyword options that a function accepts; used to detect misspelt options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection

from pedrank.utils.errors import InputError, nearest


def accepted(function: Callable[..., object], skip: int) -> list[str] | None:
    """Names of the parameters that a function accepts by keyword.

    Args:
        function: The function.
        skip: Number of its first parameters to leave out.

    Returns:
        The names; None for a function that takes any keyword.

    >>> accepted(check_options, skip=1)
    ['given', 'known']
    """
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]


def check_options(where: str, given: Collection[str], known: Collection[str] | None) -> None:
    """Raise InputError for the first option that is not known.

    Args:
        where: Opens the message.
        given: Names of the given options.
        known: Names of the known options; None accepts every option.

    >>> check_options("gbc", ["varant"], ["variant"])
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: gbc: unknown option 'varant'; did you mean 'variant'?
    """
    if known is None:
        return
    for option in given:
        if option not in known:
            remedy = nearest(option, known) if known else "leave it out: no options exist"
            raise InputError(f"{where}: unknown option '{option}'; {remedy}")
