"""The width of a network's features, found by passing two images through it."""

from __future__ import annotations

import torch
from torch import nn

from pedrank.networks.head import first_line
from pedrank.utils.errors import InputError


def feature_dim(network: nn.Module, side: int) -> int:
    """The width D of a network's features.

    Args:
        network: Set to evaluation mode.
        side: Side of the images in pixels.

    Raises:
        InputError: The network fails on such images, or does not return (2, D) for two of them.

    >>> feature_dim(nn.Flatten(), side=2)
    12
    """
    images = torch.zeros(2, 3, side, side)
    try:
        with torch.inference_mode():
            features = network.eval()(images)
    except Exception as error:
        said = f"{type(error).__name__}: {first_line(error)}"
        raise InputError(
            f"the network fails on images of {side} x {side} pixels ({said}); set the right `image_size`"
        ) from error
    shape = tuple(features.shape) if isinstance(features, torch.Tensor) else type(features).__name__
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or features.shape[0] != 2:
        raise InputError(
            f"the network returns {shape} for two images, not a tensor of shape (2, number of features); pool its "
            "feature map, and return only the features"
        )
    return features.shape[1]
