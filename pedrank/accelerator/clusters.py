"""k-means on a device: `pedrank.metrics._k_means` with all distances, by blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pedrank.accelerator import torch_device

if TYPE_CHECKING:
    import torch


def clustered(x: torch.Tensor, k: int, seeds: Sequence[int], max_steps: int = 300) -> Iterator[torch.Tensor]:
    """Cluster rows by Lloyd's algorithm from k-means++, with the draws, ties and stopping rule of the CPU's.

    Args:
        x: (N, d) rows, float64.
        k: Number of clusters, at least 2.
        seeds: Seed of each start.
        max_steps: Largest number of steps.

    Yields:
        (N,) cluster numbers in 0..k-1, one tensor per seed.
    """
    tolerance = 1e-4 * float(x.var(0, correction=0).mean())
    for seed in seeds:
        yield _steps(x, x[_drawn(x, k, np.random.default_rng(seed))], tolerance, max_steps)


def _drawn(x: torch.Tensor, k: int, rng: np.random.Generator) -> torch.Tensor:
    """k row numbers, each drawn in proportion to the squared distance from the nearest row drawn before."""
    import torch

    chosen = torch.empty(k, dtype=torch.int64, device=x.device)
    chosen[0] = int(rng.integers(len(x)))
    draws = torch.from_numpy(rng.random(k - 1)).to(x.device)  # the numbers that the CPU draws one by one
    squares = x.square().sum(1)
    nearest = torch.full_like(squares, torch.inf)
    for i in range(1, k):
        last = chosen[i - 1 : i]  # a vector: an index of a single number would make the CPU wait for the device
        distances = torch.mv(x, -2 * x[last][0]) + squares + squares[last]
        nearest = torch.minimum(nearest, distances)
        cumulative = nearest.clamp(min=0).cumsum(0)
        row = torch.searchsorted(cumulative, draws[i - 1 : i] * cumulative[-1], right=True)
        chosen[i] = row[0].clamp(max=len(x) - 1)
    return chosen


def _steps(x: torch.Tensor, centres: torch.Tensor, tolerance: float, max_steps: int) -> torch.Tensor:
    """Clusters (N,) after Lloyd's steps from centres (K, d)."""
    import torch

    k, nearest = len(centres), torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for step in range(max_steps):
        before, nearest = nearest, _assigned(x, centres)
        changed = nearest != before if step else torch.ones_like(nearest, dtype=torch.bool)
        sizes = torch.bincount(nearest, minlength=k)
        touched = torch.zeros(k, dtype=torch.bool, device=x.device)
        touched[nearest[changed]] = True
        touched[before[changed]] = True
        sums = torch.zeros_like(centres)
        for place in _blocks(x, k):
            sums.addmm_(torch.nn.functional.one_hot(nearest[place], k).double().T, x[place])
        means = sums / sizes.clamp(min=1)[:, None]
        after = torch.where((touched & (sizes > 0))[:, None], means, centres)
        empty = torch.nonzero(sizes == 0)[:, 0]
        if len(empty):
            distances = (x - centres[nearest]).square().sum(1)
            after[empty] = x[torch.argsort(distances, descending=True, stable=True)[: len(empty)]]
        shift = float((after - centres).square().sum())
        centres = after
        if shift <= tolerance:
            break
    return _assigned(x, centres)


def _assigned(x: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Number of the nearest centre (N,) of every row, the first one if two are equally near."""
    import torch

    lengths, d = centres.square().sum(1), x.shape[1]
    nearest = torch.empty(len(x), dtype=torch.int64, device=x.device)
    for place in _blocks(x, len(centres)):
        rows = x[place]
        distances = torch.addmm(lengths, rows, centres.T, alpha=-2)  # less |x|^2
        two, those = distances.topk(2, largest=False)
        nearest[place] = those[:, 0]
        # Rounding of the expanded square; where it could decide, the differences themselves are squared.
        error = 4 * (d + 4) * torch.finfo(torch.float64).eps * (rows.square().sum(1) + lengths[those].amax(1))
        for part in torch.nonzero(two[:, 1] - two[:, 0] <= error)[:, 0].split(_pieces(centres)):
            exact = (rows[part, None] - centres).square().sum(2)
            nearest[place.start + part] = exact.argmin(1)
    return nearest


def _blocks(x: torch.Tensor, width: int) -> Iterator[slice]:
    step = max(1, torch_device.BLOCK // max(x.shape[1], width))
    return (slice(start, min(start + step, len(x))) for start in range(0, len(x), step))


def _pieces(centres: torch.Tensor) -> int:
    """Rows whose differences from all centres are one block."""
    return max(1, torch_device.BLOCK // centres.numel())
