"""Images as networks expect them: (image - mean) / std, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def normalise(
    images: np.ndarray | torch.Tensor,
    normalisation: Mapping[str, Sequence[float]],
    device: str | torch.device | None = None,
) -> torch.Tensor:
    """Images as a network expects them: (image / 255 - mean) / std.

    Args:
        images: (N, H, W, 3) uint8.
        normalisation: "mean" and "std" of the three channels, for images in [0, 1].
        device: Where an array goes; a tensor stays where it is.

    Returns:
        (N, 3, H, W) float32 in channels-last memory.

    >>> white = np.full((1, 2, 2, 3), 255, np.uint8)
    >>> normalise(white, {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 1.0]})[0, :, 0, 0].tolist()
    [2.0, 1.0, 0.5]
    """
    import torch

    # A copy of an array: torch wants no read-only memory.
    pixels = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.array(images)).to(device or "cpu")
    return standardise(pixels, *mean_and_std(normalisation, pixels.device))


def mean_and_std(
    normalisation: Mapping[str, Sequence[float]], device: str | torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the three channels as (3,) float32 tensors on `device`."""
    import torch

    mean, std = (torch.tensor(normalisation[key], dtype=torch.float32, device=device) for key in ("mean", "std"))
    return mean, std


def standardise(pixels: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, white: float = 255) -> torch.Tensor:
    """(pixels / white - mean) / std in float32, in this order of operations.

    Args:
        pixels: (N, H, W, 3), uint8 or float32, from 0 to `white`; left as they are.
        mean: (3,), for images in [0, 1].
        std: (3,), likewise.
        white: The value of a white pixel.

    Returns:
        (N, 3, H, W) float32 in the memory layout of `pixels`: channels last if `pixels` are contiguous.
    """
    return (pixels / white).sub_(mean).div_(std).permute(0, 3, 1, 2)
