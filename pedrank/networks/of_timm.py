"""Models of timm without their classifiers: timm/NAME or timm/NAME.TAG."""

from __future__ import annotations

from typing import Any

from torch import nn

from pedrank.networks.head import fetched
from pedrank.utils.errors import InputError, nearest


def build(name: str, pretrained: bool | str) -> nn.Module:
    """Of a vision transformer the class token, at any image size."""
    configuration = _configuration(name)
    import timm

    options = {"dynamic_img_size": True} if name.startswith("vit_") else {}
    network = fetched(
        f"timm/{name}",
        lambda: timm.create_model(name, pretrained=bool(pretrained), num_classes=0, **options),
        pretrained,
    )
    network.feature_dim = network.head_hidden_size  # which is what comes out; num_features may be less
    classifier = configuration.classifier or ()
    network.drop = tuple(f"{head}." for head in ([classifier] if isinstance(classifier, str) else classifier))
    return network


def preprocessing(name: str, pretrained: bool | str = True) -> dict[str, Any]:
    """What the model's pretrained_cfg says of its images."""
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
        raise InputError(f"timm/{name} needs timm; pip install 'pedrank[zoo]'") from None
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise InputError(f"timm has no model '{architecture}'; {nearest(architecture, timm.list_models())}")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise InputError(f"timm has no weights '{tag}' of {architecture}; {nearest(tag, tags)}")
    return timm.get_pretrained_cfg(name) or timm.create_model(name, num_classes=0).pretrained_cfg
