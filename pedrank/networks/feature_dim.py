"""How wide a network's features are, found by showing it two images."""

from __future__ import annotations

import torch
from torch import nn

from pedrank.networks.head import first_line
from pedrank.utils.errors import InputError


def feature_dim(network: nn.Module, side: int) -> int:
    """The width D of the features of images of `side` pixels; InputError unless two of them give (2, D)."""
    images = torch.zeros(2, 3, side, side)
    try:
        with torch.inference_mode():
            features = network.eval()(images)
    except Exception as error:
        said = f"{type(error).__name__}: {first_line(error)}"
        raise InputError(f"fails on images of {side} x {side} pixels ({said}); name its `image_size`") from error
    shape = tuple(features.shape) if isinstance(features, torch.Tensor) else type(features).__name__
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or features.shape[0] != 2:
        raise InputError(f"returns {shape} for two images, not (2, D); pool its map, and return the features alone")
    return features.shape[1]
