"""Models of timm without their classifiers: timm/NAME or timm/NAME.TAG."""

from __future__ import annotations

from typing import Any

from torch import nn

from pedrank.networks.head import fetched
from pedrank.utils.errors import InputError, nearest


def build(name: str, pretrained: bool | str) -> nn.Module:
    """A model of timm without its classifier; a vision transformer gives its class token, at any image size.

    Args:
        name: NAME or NAME.TAG, where the tag names the weights.
        pretrained: Whether to fetch the weights.

    Raises:
        InputError: timm is not installed, has no such model, or cannot fetch the weights.
    """
    configuration = _configuration(name)
    import timm

    options = {"dynamic_img_size": True} if name.startswith("vit_") else {}
    network = fetched(
        f"timm/{name}",
        lambda: timm.create_model(name, pretrained=bool(pretrained), num_classes=0, **options),
        pretrained,
    )
    network.feature_dim = network.head_hidden_size  # the width of its output; num_features may be smaller
    classifier = configuration.classifier or ()
    network.drop = tuple(f"{head}." for head in ([classifier] if isinstance(classifier, str) else classifier))
    return network


def preprocessing(name: str, pretrained: bool | str = True) -> dict[str, Any]:
    """How timm's pretrained_cfg of the model prepares images, in the catalogue's terms."""
    found = _configuration(name)
    size = found.input_size[-1]
    return {
        "normalisation": {"mean": list(found.mean), "std": list(found.std)},
        "image_size": size,
        "resize": max(size, int(size / (found.crop_pct or 1.0))),
        "interpolation": found.interpolation,
    }


def _configuration(name: str) -> Any:
    try:
        import timm
    except ImportError:
        raise InputError(f"timm/{name} needs timm; run pip install 'pedrank[zoo]'") from None
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise InputError(f"timm: unknown model '{architecture}'; {nearest(architecture, timm.list_models())}")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise InputError(f"timm: unknown weights '{tag}' of {architecture}; {nearest(tag, tags)}")
    return timm.get_pretrained_cfg(name) or timm.create_model(name, num_classes=0).pretrained_cfg
