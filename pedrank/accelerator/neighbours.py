"""Nearest other rows of every row, for k-NN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pedrank.accelerator import torch_device
from pedrank.accelerator.device_rows import DeviceRows
from pedrank.accelerator.torch_device import numpys_errors


@numpys_errors
def nearest_rows(rows: DeviceRows, mean: np.ndarray, k: int, distance: str) -> np.ndarray:
    """Row numbers (N, k) of the nearest other rows of every row, the nearest one first.

    Products are in float64, by blocks of rows and columns. The CPU's are in float32: neighbours whose distances differ
    by less than its rounding may be ordered in another way.

    Args:
        rows: Features (N, D).
        mean: (D,), subtracted for the Euclidean distance.
        k: Number of neighbours.
        distance: "euclidean" or "cosine".
    """
    import torch

    n, centre = len(rows.labels), rows.put(mean)

    def prepared(numbers: np.ndarray | None = None) -> Iterator[tuple[slice, torch.Tensor]]:
        for place, block in rows.blocks(numbers):
            if distance == "cosine":
                lengths = torch.linalg.vector_norm(block, dim=1, keepdim=True)
                yield place, block / torch.where(lengths > 0, lengths, 1.0)
            else:
                yield place, block.sub_(centre)

    found = np.empty((n, k), dtype=np.int64)
    step = max(1, min(torch_device.BLOCK // n, torch_device.BLOCK // len(mean)))
    for start in range(0, n, step):
        numbers = np.arange(start, min(start + step, n))
        ((_, these),) = prepared(numbers)
        nearness = torch.empty((len(numbers), n), dtype=torch.float64, device=rows.device)
        for place, block in prepared():
            nearness[:, place] = torch.addmm(-block.square().sum(1) / 2, these, block.T)
        own = torch.from_numpy(numbers).to(rows.device)
        nearness[torch.arange(len(own), device=rows.device), own] = -torch.inf
        nearest = nearness.argmax(1, keepdim=True) if k == 1 else nearness.topk(k, dim=1).indices
        found[numbers] = nearest.cpu().numpy()
    return found
