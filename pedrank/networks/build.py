"""Build a network by the name of its architecture. Only the module that builds it is imported.

tiny-resnet, resnet50, resnet50-same-pool, resnet50-same    `resnets`
timm/NAME                                                   `of_timm`
torchvision/NAME                                            `of_torchvision`
hub/OWNER/REPO:NAME                                         `hub`; runs the repository's code without restrictions
FILE.py:FUNCTION                                            `function`; runs the user's own code without restrictions

Each network maps (N, 3, H, W) float images to (N, D) float features. A linear classifier at the end is removed, except
from a user's own network. A network's `drop`, if present: prefixes of classifier weights to ignore when loading a file.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pedrank.catalogue.architecture import code_of

if TYPE_CHECKING:
    from torch import nn

_EXTERNAL = {"timm": "of_timm", "torchvision": "of_torchvision", "hub": "hub"}


def builder(architecture: str) -> str:
    """Name of the module in this folder that builds an architecture.

    >>> builder("resnet50"), builder("timm/resnet50.a1_in1k")
    ('resnets', 'of_timm')
    """
    if code_of({"architecture": architecture}) is not None:
        return "function"
    return _EXTERNAL.get(architecture.partition("/")[0], "resnets")


def build(architecture: str, pretrained: bool | str = False) -> nn.Module:
    """Build a network on the CPU.

    Args:
        architecture: A name as this module's docstring lists them.
        pretrained: Whether to load the weights of its source; for torchvision also the name of the weights. Without
            effect on our own networks, which have random weights, and on a user's function.

    Returns:
        A network without a classifier.

    Raises:
        InputError: No such network, a package is missing, weights cannot be fetched, or a user's code fails.

    >>> build("tiny-resnet").feature_dim
    80
    """
    module, name = _module_and_name(architecture)
    return module.build(name, pretrained)


def preprocessing(architecture: str, pretrained: bool | str = True) -> dict[str, Any]:
    """How a network's own configuration prepares images, in the catalogue's terms; empty if it has no configuration.

    The source is timm's pretrained_cfg, torchvision's weights.transforms(), or attributes of a user's module.

    Args:
        architecture: A name as this module's docstring lists them.
        pretrained: As for `build`.

    Returns:
        `normalisation` (mean and std of the channels), `image_size`, `resize` and `interpolation`, as far as known.

    >>> preprocessing("tiny-resnet")
    {}
    """
    module, name = _module_and_name(architecture)
    return module.preprocessing(name, pretrained) if hasattr(module, "preprocessing") else {}


def _module_and_name(architecture: str) -> tuple[ModuleType, str]:
    """The module that builds a network, and the network's name in it."""
    module = builder(architecture)
    name = architecture.partition("/")[2] if module in _EXTERNAL.values() else architecture
    return importlib.import_module(f"pedrank.networks.{module}"), name
