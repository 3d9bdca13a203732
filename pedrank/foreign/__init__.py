"""Networks of other packages and of users: timm/NAME, torchvision/NAME, hub/OWNER/REPO:NAME and FILE.py:FUNCTION.

Each is a module that maps (N, 3, H, W) images to (N, D) features; a linear classifier at the end is taken off, but not
off a user's own. Its attribute `drop` holds the beginnings of the names that a file of its weights may have beyond its
own: those of the classifier. Code of hubs and users is run, with all that it may do.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from pedrank.catalogue import code_of
from pedrank.foreign import function, hub, of_timm, of_torchvision
from pedrank.foreign.function import code_sha256

__all__ = ["code_sha256", "create", "is_foreign", "preprocessing"]

_SOURCES = {"timm": of_timm.build, "torchvision": of_torchvision.build, "hub": hub.build}


def is_foreign(architecture: str) -> bool:
    """Whether the network is another package's, a hub's or a user's."""
    return architecture.partition("/")[0] in _SOURCES or code_of({"architecture": architecture}) is not None


def create(architecture: str, pretrained: bool | str = False) -> nn.Module:
    """The network of that name, on the CPU.

    Args:
        architecture: timm/NAME, torchvision/NAME, hub/OWNER/REPO:NAME, or FILE.py:FUNCTION.
        pretrained: Whether with the weights that its source brings; of torchvision also which of them. A user's
            function is called in the same way whatever it is.

    Raises:
        InputError: No such network, a package is missing, weights cannot be had, or a user's code fails.
    """
    code = code_of({"architecture": architecture})
    if code is not None:
        return function.build(*code)
    source, _, name = architecture.partition("/")
    return _SOURCES[source](name, pretrained)


def preprocessing(architecture: str, pretrained: bool | str = True) -> dict[str, Any]:
    """What the network's own configuration says of its images, by the catalogue's names; empty where it has none.

    `normalisation` (mean and std of the channels), `image_size`, `resize` and `interpolation`; timm's pretrained_cfg,
    torchvision's weights.transforms(), attributes of a user's module.
    """
    code = code_of({"architecture": architecture})
    if code is not None:
        return function.preprocessing(*code)
    source, _, name = architecture.partition("/")
    if source == "timm":
        return of_timm.preprocessing(name)
    return of_torchvision.preprocessing(name, pretrained) if source == "torchvision" else {}
