"""Images as networks want them."""

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
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in channels-last memory: (image / 255 - mean) / std."""
    import torch

    # A copy of an array: torch wants no read-only memory.
    pixels = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.array(images)).to(device or "cpu")
    mean, std = (torch.tensor(normalisation[key], dtype=torch.float32, device=pixels.device) for key in ("mean", "std"))
    return pixels.float().div_(255).sub_(mean).div_(std).permute(0, 3, 1, 2)
