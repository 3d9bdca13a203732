"""Features: one forward pass of a backbone over images."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pedrank.errors import InputError

if TYPE_CHECKING:
    import torch


def extract(
    network: torch.nn.Module,
    images: np.ndarray,
    normalisation: Mapping[str, Sequence[float]],
    batch_size: int = 256,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Features of every image, in order.

    Args:
        network: Maps (B, 3, H, W) float32 to (B, D); put into evaluation mode and moved to `device`.
        images: (N, H, W, 3) uint8.
        normalisation: "mean" and "std" of the three channels, for images in [0, 1].
        batch_size: Images per forward pass.
        device: Where to compute.

    Returns:
        (N, D) float32.

    Raises:
        InputError: A feature is not finite.
    """
    import torch
    from tqdm import tqdm

    network = network.to(device).to(memory_format=torch.channels_last).eval()
    batches = []
    with torch.inference_mode():
        for start in tqdm(range(0, len(images), batch_size), desc="features", unit="batch", file=sys.stderr):
            batch = normalise(images[start : start + batch_size], normalisation, device)
            batches.append(network(batch).float().cpu().numpy())
    features = np.concatenate(batches)
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise InputError(
            f"the features of image {np.argmin(finite)} are not finite ({np.sum(~finite)} of {len(features)} images); "
            "check the checkpoint and its normalisation"
        )
    return features


def normalise(
    images: np.ndarray, normalisation: Mapping[str, Sequence[float]], device: str | torch.device = "cpu"
) -> torch.Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in channels-last memory: (image / 255 - mean) / std."""
    import torch

    pixels = torch.from_numpy(np.array(images)).to(device)  # a copy: torch wants no read-only memory
    mean, std = (torch.tensor(normalisation[key], dtype=torch.float32, device=device) for key in ("mean", "std"))
    return ((pixels.float() / 255 - mean) / std).permute(0, 3, 1, 2)
