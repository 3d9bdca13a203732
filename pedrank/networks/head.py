"""What the sources of networks share: classifiers taken off, and failures as one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from torch import nn

from pedrank.utils.errors import InputError

_HEADS = ("fc", "classifier", "head", "heads")


def without_head(network: nn.Module, name: str, needed: bool = True) -> nn.Module:
    """The last linear layer of what is called like a classifier becomes the identity."""
    linear = [
        path
        for path, module in network.named_modules()
        if isinstance(module, nn.Linear) and path.split(".")[0] in _HEADS
    ]
    if linear:
        network.set_submodule(linear[-1], nn.Identity())
        network.drop = (f"{linear[-1]}.",)
    elif needed:
        raise InputError(f"{name}: no linear classifier to take off; write a function that returns the features")
    return network


def fetched(name: str, make: Callable[[], Any], pretrained: bool | str) -> Any:
    """What `make` returns; what it raises, of whatever kind, as one line."""
    try:
        return make()
    except Exception as error:
        remedy = (
            "its weights are fetched once, over the network; or give a file of them"
            if pretrained
            else "correct its name"
        )
        raise InputError(f"{name}: {type(error).__name__}: {first_line(error)}; {remedy}") from error


def first_line(error: Exception) -> str:
    return (re.sub(r"\s+", " ", str(error)).strip() or "no message")[:200]
