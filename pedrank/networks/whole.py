"""A fine-tuned network with its classifier, under the names of the package that defines it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import nn

PROBED = 2  # random images that compare the two forms of a network


class Whole(NamedTuple):
    """The weights of a network with its classifier, and how to build the network that loads them."""

    weights: dict[str, torch.Tensor]
    statement: str  # Python: the import that `expression` needs
    expression: str  # Python: builds the network, with random weights


def whole_network(architecture: str, model: nn.Sequential, size: int) -> Whole:
    """Rename the weights of a network and its head to those of timm's or torchvision's own network with a classifier.

    A network that neither package builds, or whose classifier is not one linear layer, keeps the names of `model`.

    Args:
        architecture: Name of the network, as for `pedrank.networks.build.build`.
        model: The network and its linear head; on any device, in evaluation mode.
        size: Side of the images in pixels.

    >>> from pedrank.networks.build import build
    >>> found = whole_network("resnet50", nn.Sequential(build("resnet50"), nn.Linear(2048, 3)).eval(), 64)
    >>> found.expression, "fc.weight" in found.weights
    ("torchvision.models.get_model('resnet50', num_classes=3)", True)
    """
    network, head = model[0], cast(nn.Linear, model[1])
    weights = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    prefixes: tuple[str, ...] = getattr(network, "drop", ())
    known = _packaged(architecture, head.out_features)
    if known is not None and len(prefixes) == 1:
        make, module, name, arguments = known
        renamed = {_name(each, prefixes[0]): tensor for each, tensor in weights.items()}
        whole = make(name, **arguments)
        if _fits(whole, renamed) and _equal(whole, model, size):
            options = "".join(f", {key}={value!r}" for key, value in arguments.items())
            function = {"timm": "create_model", "torchvision": "models.get_model"}[module]
            return Whole(renamed, f"import {module}", f"{module}.{function}({name!r}{options})")
    classifier = f"torch.nn.Linear({head.in_features}, {head.out_features})"
    expression = f"torch.nn.Sequential(build({architecture!r}), {classifier})"
    return Whole(weights, "from pedrank.networks.build import build", expression)


def _packaged(architecture: str, classes: int) -> tuple[Callable[..., nn.Module], str, str, dict[str, Any]] | None:
    """The function that builds an architecture with a classifier, its package, and its arguments."""
    package, _, name = ("torchvision/resnet50" if architecture == "resnet50" else architecture).partition("/")
    arguments: dict[str, Any] = {"num_classes": classes}
    if package == "torchvision":
        import torchvision

        if name in ("inception_v3", "googlenet"):
            arguments |= {"aux_logits": False, "init_weights": False}
        return torchvision.models.get_model, package, name, arguments
    if package == "timm":
        import timm

        return timm.create_model, package, name, arguments | ({"dynamic_img_size": True} if name[:4] == "vit_" else {})
    return None


def _name(name: str, prefix: str) -> str:
    """The name of a weight in the whole network: 1 is the head, which belongs at `prefix`."""
    part, _, rest = name.partition(".")
    return prefix + rest if part == "1" else rest


def _fits(whole: nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    expected = {name: tensor.shape for name, tensor in whole.state_dict().items()}
    if expected != {name: tensor.shape for name, tensor in weights.items()}:
        return False
    whole.load_state_dict(weights)
    return True


def _equal(whole: nn.Module, model: nn.Sequential, size: int) -> bool:
    """Whether both give the same outputs: a classifier may be more than a linear layer at the end."""
    device = next(model.parameters()).device
    images = torch.randn((PROBED, 3, size, size), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(images.to(device)).cpu()
        found = whole.eval()(images)
    return found.shape == expected.shape and torch.allclose(found, expected, rtol=1e-2, atol=1e-2)
