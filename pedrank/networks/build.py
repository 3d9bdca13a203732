"""The network of an architecture's name; the module that builds it is loaded by its name, so that no other is needed.

tiny-resnet, resnet50, resnet50-same-pool, resnet50-same    `resnets`
timm/NAME                                                   `of_timm`
torchvision/NAME                                            `of_torchvision`
hub/OWNER/REPO:NAME                                         `hub`; its code is run, with all that it may do
FILE.py:FUNCTION                                            `function`: a user's own code, which is run likewise

Each network maps (N, 3, H, W) float images to (N, D) float features. A linear classifier at the end is taken off, but
not off a user's own. `drop`, where a network has it: prefixes of classifier weights to ignore when a file is loaded.
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
    """Name of the module of this folder that builds a network of that name."""
    if code_of({"architecture": architecture}) is not None:
        return "function"
    return _EXTERNAL.get(architecture.partition("/")[0], "resnets")


def build(architecture: str, pretrained: bool | str = False) -> nn.Module:
    """The network of that name, on the CPU.

    Args:
        architecture: A name as this module's docstring lists them.
        pretrained: Whether with the weights that its source brings; of torchvision also which of them. Our own networks
            have random weights, and a user's function is called in the same way, whatever it is.

    Raises:
        InputError: No such network, a package is missing, weights cannot be had, or a user's code fails.
    """
    module, name = _module_and_name(architecture)
    return module.build(name, pretrained)


def preprocessing(architecture: str, pretrained: bool | str = True) -> dict[str, Any]:
    """What the network's own configuration says of its images, by the catalogue's names; empty where it has none.

    `normalisation` (mean and std of the channels), `image_size`, `resize` and `interpolation`; timm's pretrained_cfg,
    torchvision's weights.transforms(), attributes of a user's module.
    """
    module, name = _module_and_name(architecture)
    return module.preprocessing(name, pretrained) if hasattr(module, "preprocessing") else {}


def _module_and_name(architecture: str) -> tuple[ModuleType, str]:
    """The module that builds a network, and the network's name in it."""
    module = builder(architecture)
    name = architecture.partition("/")[2] if module in _EXTERNAL.values() else architecture
    return importlib.import_module(f"pedrank.networks.{module}"), name
