"""Bhattacharyya distances of all pairs of classes, for GBC."""

from __future__ import annotations

import numpy as np

from pedrank.accelerator import torch_device
from pedrank.accelerator.torch_device import numpys_errors


@numpys_errors
def diagonal_on(device: str, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Distances (C (C - 1) / 2,) of all pairs i < j: `pedrank.metrics.gbc.diagonal`, some classes i at a time.

    Args:
        device: Torch's name of the device.
        means: (C, D).
        variances: (C, D), positive.
    """
    import torch

    where = torch_device.find(device)
    m, v = (torch.from_numpy(np.array(each, dtype=np.float64)).to(where) for each in (means, variances))
    (classes, dims), logs = m.shape, v.log()
    found = torch.empty((classes, classes), dtype=torch.float64, device=where)
    rows, columns = max(1, torch_device.BLOCK // (classes * dims)), max(1, torch_device.BLOCK // dims)
    for start in range(0, classes, rows):
        these = slice(start, start + rows)
        for first in range(0, classes, columns):
            those = slice(first, first + columns)
            total = (v[these, None] + v[None, those]) / 2
            squares = (m[these, None] - m[None, those]).square_().div_(total).sum(2)
            ratio = total.log_().sub_((logs[these, None] + logs[None, those]).div_(2)).sum(2)
            found[these, those] = squares / 8 + ratio / 2
    i, j = torch.triu_indices(classes, classes, 1, device=where)
    return found[i, j].clamp_(min=0).cpu().numpy()  # rounding may leave a zero slightly negative
