"""The mixtures of NLEEP, one per start: projection, k-means and expectation-maximisation on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pedrank.accelerator.clusters import clustered
from pedrank.accelerator.device_rows import DeviceRows
from pedrank.accelerator.gaussians import fitted
from pedrank.accelerator.projection import project
from pedrank.accelerator.torch_device import numpys_errors


@numpys_errors
def mixtures(
    rows: DeviceRows, scatter: np.ndarray, mean: np.ndarray, variance: float, k: int, seeds: Sequence[int]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Fit a mixture of k Gaussians from each start.

    Memory on the device: about three times the projected features, beside the features and one block.

    Args:
        rows: Features (N, D).
        scatter: (D, D), their scatter.
        mean: (D,), their mean.
        variance: Share of the variance that the projection keeps.
        k: Number of components.
        seeds: Seed of each start.

    Returns:
        For each seed the fields of a `pedrank.metrics._mixture.Shares`, on the CPU.
    """
    x = project(rows, scatter, mean, variance)
    found = (fitted(x, clusters, k) for clusters in clustered(x, k, seeds))
    return [(s.rows.cpu().numpy(), s.values.cpu().numpy(), s.ends, s.largest.cpu().numpy()) for s in found]
