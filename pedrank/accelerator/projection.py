"""Features on their principal components, for NLEEP and for PARC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pedrank.accelerator.device_rows import DeviceRows
from pedrank.accelerator.eigen import first_axes
from pedrank.accelerator.torch_device import numpys_errors

if TYPE_CHECKING:
    import torch


@numpys_errors
def project(rows: DeviceRows, scatter: np.ndarray, mean: np.ndarray, variance: float) -> torch.Tensor:
    """Centred features on the fewest principal components that hold more than a share of the variance.

    Args:
        rows: Features (N, D).
        scatter: (D, D), their scatter.
        mean: (D,), their mean.
        variance: The share, in (0, 1).

    Returns:
        (N, d) float64 on the device.
    """
    import torch

    axes, centre = first_axes(rows.put(scatter), variance), rows.put(mean)
    projected = torch.empty((len(rows.labels), axes.shape[1]), dtype=torch.float64, device=rows.device)
    for place, block in rows.blocks():
        torch.matmul(block.sub_(centre), axes, out=projected[place])
    return projected


@numpys_errors
def randomised_scores(rows: DeviceRows, chosen: np.ndarray, dims: int, start: np.ndarray) -> np.ndarray:
    """Standardised scores of some rows on their principal components: `pedrank.metrics.parc.principal_components`.

    Args:
        rows: Features (N, D).
        chosen: (M,) row numbers.
        dims: Number of components, at most min(M, D).
        start: (min(M, D), columns), the random start.

    Returns:
        (M, dims) float64 on the CPU, each column with mean 0 and standard deviation 1.
    """
    import torch

    mean = sum(block.sum(0) for _, block in rows.blocks(chosen)) / len(chosen)
    begun = rows.put(start)
    if len(chosen) < rows.stored.shape[1]:
        whole = torch.cat([block - mean for _, block in rows.blocks(chosen)])
        basis = torch.linalg.qr(whole.T @ (whole @ (whole.T @ begun)))[0]
        left, _, right = torch.linalg.svd((whole @ basis).T, full_matrices=False)
        scores, loadings = right.T, basis @ left
    else:
        power = sum(block.T @ (block @ begun) for _, block in ((p, b.sub_(mean)) for p, b in rows.blocks(chosen)))
        basis = torch.linalg.qr(torch.cat([block.sub_(mean) @ power for _, block in rows.blocks(chosen)]))[0]
        small = sum(basis[place].T @ block.sub_(mean) for place, block in rows.blocks(chosen))
        left, _, right = torch.linalg.svd(small, full_matrices=False)
        scores, loadings = basis @ left, right.T
    scores, loadings = scores[:, :dims], loadings[:, :dims]
    largest = loadings.abs().argmax(0)
    scores = scores * loadings[largest, torch.arange(dims, device=rows.device)].sign()
    spread = scores.std(0, correction=0)
    return (scores / torch.where(spread > 0, spread, 1.0)).cpu().numpy()
