"""Sums over the samples of each class, and their scatter around the class means: two passes over the features."""

from __future__ import annotations

import numpy as np

from pedrank.accelerator.device_rows import DeviceRows
from pedrank.accelerator.torch_device import numpys_errors


@numpys_errors
def sums_and_squares(rows: DeviceRows, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, D) and sums of squares (C, D) of features minus the origin (C, D) of their class, float64.

    A product with the one-hot labels always adds in the same order, unlike torch's scattered additions on a GPU.
    """
    import torch

    starts = rows.put(origins) if origins.any() else None
    sums = torch.zeros(origins.shape, dtype=torch.float64, device=rows.device)
    squares = torch.zeros_like(sums)
    for place, block in rows.blocks(width=len(origins)):
        own = rows.labels[place]
        if starts is not None:
            block -= starts[own]
        one_hot = torch.nn.functional.one_hot(own, len(origins)).double()
        sums.addmm_(one_hot.T, block)
        squares.addmm_(one_hot.T, block.square_())
    return sums.cpu().numpy(), squares.cpu().numpy()


@numpys_errors
def scatter_within(rows: DeviceRows, means: np.ndarray) -> np.ndarray:
    """Within-class scatter (D, D), float64: `pedrank.observation.statistics.within_scatter`, computed on a device.

    Args:
        rows: Features and labels, not displaced.
        means: (C, D) class means.
    """
    import torch

    centres, dims = rows.put(means), means.shape[1]
    total = torch.zeros((dims, dims), dtype=torch.float64, device=rows.device)
    for place, block in rows.blocks():
        block -= centres[rows.labels[place]]
        total.addmm_(block.T, block)
    return total.cpu().numpy()
