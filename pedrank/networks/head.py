"""Helpers of all sources of networks: remove a classifier, report a failure in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from torch import nn

from pedrank.utils.errors import InputError

_HEADS = ("fc", "classifier", "head", "heads")


def without_head(network: nn.Module, name: str, needed: bool = True) -> nn.Module:
    """Replace a network's linear classifier by the identity.

    The classifier is the last linear layer inside a module called fc, classifier, head or heads. The network's `drop`
    then names the prefix of its weights, to be ignored when a file is loaded.

    Args:
        network: Changed in place.
        name: Its name, for the message.
        needed: Whether a network without a classifier is refused.

    Raises:
        InputError: There is no such layer, and it is needed.

    >>> network = nn.Sequential()
    >>> network.fc = nn.Linear(8, 3)
    >>> without_head(network, "mine").fc, network.drop
    (Identity(), ('fc.',))
    """
    linear = [
        path
        for path, module in network.named_modules()
        if isinstance(module, nn.Linear) and path.split(".")[0] in _HEADS
    ]
    if linear:
        network.set_submodule(linear[-1], nn.Identity())
        annotate(network, drop=(f"{linear[-1]}.",))
    elif needed:
        raise InputError(
            f"{name}: no linear classifier found; write a function that returns the network without one, and name it "
            "as FILE.py:FUNCTION"
        )
    return network


def annotate(network: nn.Module, **facts: Any) -> None:
    """Set plain attributes of a network, such as `feature_dim` or `drop`; torch declares only tensors and modules."""
    for name, value in facts.items():
        setattr(network, name, value)


def fetched(name: str, make: Callable[[], Any], pretrained: bool | str) -> Any:
    """Call `make` and return its result.

    Args:
        name: The network's name, for the message.
        make: Builds a network, possibly over the network.
        pretrained: Whether weights are fetched; decides the remedy in the message.

    Raises:
        InputError: `make` failed; the message is one line.
    """
    try:
        return make()
    except Exception as error:
        remedy = (
            "go online once to download its weights, or give a file of weights as FILE=ARCHITECTURE"
            if pretrained
            else "correct its name"
        )
        raise InputError(f"{name}: {type(error).__name__}: {first_line(error)}; {remedy}") from error


def first_line(error: Exception) -> str:
    """The message of an exception on one line of at most 200 characters.

    >>> first_line(ValueError("two\\nlines"))
    'two lines'
    """
    return (re.sub(r"\s+", " ", str(error)).strip() or "no message")[:200]
