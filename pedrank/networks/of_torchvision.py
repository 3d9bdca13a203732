"""Classifiers of torchvision without their last layer: torchvision/NAME."""

from __future__ import annotations

from typing import Any

from torch import nn

from pedrank.networks.head import fetched, without_head
from pedrank.utils.errors import InputError, nearest


def build(name: str, pretrained: bool | str) -> nn.Module:
    """A classifier of torchvision without its last layer.

    Args:
        name: A name of `torchvision.models`.
        pretrained: Whether to load the default weights, or the name of others.

    Raises:
        InputError: torchvision has no such classifier or weights, or cannot fetch them.
    """
    import torchvision

    known = _weights(name, pretrained or True)
    weights = known if pretrained else None
    options: dict[str, Any] = {"aux_logits": False} if name in ("inception_v3", "googlenet") else {}
    if options and weights is None:
        options["init_weights"] = True
    network = fetched(
        f"torchvision/{name}", lambda: torchvision.models.get_model(name, weights=weights, **options), pretrained
    )
    return without_head(network, f"torchvision/{name}")


def preprocessing(name: str, pretrained: bool | str) -> dict[str, Any]:
    """How the transform of the weights prepares images; for random weights, that of the default ones."""
    transform = _weights(name, pretrained or True).transforms()
    size = transform.crop_size[0]
    return {
        "normalisation": {"mean": list(transform.mean), "std": list(transform.std)},
        "image_size": size,
        "resize": max(size, transform.resize_size[0]),
        "interpolation": transform.interpolation.value,
    }


def _weights(name: str, pretrained: bool | str) -> Any:
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise InputError(f"torchvision: unknown classifier '{name}'; {nearest(name, known)}")
    weights = torchvision.models.get_model_weights(name)
    if pretrained is True:
        return weights.DEFAULT
    if pretrained not in weights.__members__:
        tags = [tag for tag in weights.__members__ if tag != "DEFAULT"]
        raise InputError(f"torchvision: unknown weights '{pretrained}' of {name}; {nearest(str(pretrained), tags)}")
    return weights[pretrained]
