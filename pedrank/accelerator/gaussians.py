"""Gaussian mixture on a device: `pedrank.metrics._mixture`, batched over components, without skipping any.

Components with similar numbers of rows form a group and are computed together. Missing rows of a group are zeros. Zeros
add nothing to sums, and in Woodbury's form they add exactly the logarithm of the regularisation to the determinant, as
a direction without any row does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pedrank.accelerator import torch_device

if TYPE_CHECKING:
    import torch

REGULARISATION = 1e-6  # added to the diagonal of every covariance
_NEGLIGIBLE = 1e-20  # smaller responsibilities change no sum in double precision
_APART = 80.0  # in log density; a component that is so far below another one has a responsibility below 1e-34
_COLUMNS = 8192  # whitened directions of a group: its products with a block of rows are large enough for a GPU


class DeviceShares(NamedTuple):
    """Responsibilities without the negligible ones; the fields of `pedrank.metrics._mixture.Shares`, as tensors."""

    rows: torch.Tensor
    values: torch.Tensor
    ends: np.ndarray
    largest: torch.Tensor


class _Group(NamedTuple):
    """Some components: their numbers (B,), log constants (B,), means (B, d) and whitening (B, m, d)."""

    numbers: torch.Tensor
    log_constants: torch.Tensor
    means: torch.Tensor
    whitening: torch.Tensor
    thin: bool


def fitted(
    x: torch.Tensor, clusters: torch.Tensor, k: int, max_steps: int = 100, tolerance: float = 1e-3
) -> DeviceShares:
    """Fit a mixture of k Gaussians by expectation-maximisation, started from clusters.

    Args:
        x: (N, d) rows, float64.
        clusters: (N,) integers in 0..k-1.
        k: Number of components.
        max_steps: Largest number of steps.
        tolerance: EM stops when the mean log-likelihood changes by less than this.

    Returns:
        Responsibilities of the fitted mixture.
    """
    import torch

    order = torch.argsort(clusters, stable=True)
    ones = torch.ones(len(x), dtype=torch.float64, device=x.device)
    shares, previous = DeviceShares(order, ones, _ends(clusters[order], k), clusters), -np.inf
    for _ in range(max_steps):
        log_likelihood, found = _expect(x, list(_maximise(x, shares)), k)
        if torch.equal(found.rows, shares.rows) and torch.equal(found.values, shares.values):
            return found  # every further step would give the same again
        shares = found
        if abs(log_likelihood - previous) < tolerance:
            break
        previous = log_likelihood
    return _expect(x, list(_maximise(x, shares)), k)[1]


def _ends(components: torch.Tensor, k: int) -> np.ndarray:
    """Ends (k + 1,) of the entries of each component, from the ascending components of all entries."""
    import torch

    return torch.searchsorted(components, torch.arange(k + 1, device=components.device)).cpu().numpy()


def _maximise(x: torch.Tensor, shares: DeviceShares) -> Iterator[_Group]:
    """M-step: the Gaussians that fit rows x (N, d) weighted by their responsibilities, group by group."""
    import torch

    d, device, k = x.shape[1], x.device, len(shares.ends) - 1
    guard = 10 * np.finfo(np.float64).eps
    components = torch.from_numpy(np.repeat(np.arange(k), np.diff(shares.ends))).to(device)
    kept = shares.values > _NEGLIGIBLE
    rows, values, ends = shares.rows[kept], shares.values[kept], _ends(components[kept], k)
    total = values.sum() + k * guard
    for numbers, width in _groups(np.diff(ends), d):
        entries = torch.from_numpy(ends[numbers, None] + np.arange(width)).to(device)
        there = entries < torch.from_numpy(ends[numbers + 1, None]).to(device)
        entries.clamp_(max=len(values) - 1)
        share = torch.where(there, values[entries], 0.0)
        sizes = share.sum(1) + guard
        spread = x[rows[entries]]
        means = torch.bmm(share[:, None], spread)[:, 0] / sizes[:, None]
        spread.sub_(means[:, None]).mul_((share / sizes[:, None]).sqrt_()[:, :, None])
        thin = width < d
        gram = torch.bmm(spread, spread.mT) if thin else torch.bmm(spread.mT, spread)
        gram.diagonal(dim1=1, dim2=2).add_(REGULARISATION)
        factor = torch.linalg.cholesky(gram)
        log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1) + (d - factor.shape[1]) * np.log(REGULARISATION)
        right = spread if thin else torch.eye(d, dtype=x.dtype, device=device).expand(len(numbers), d, d)
        whitening = torch.linalg.solve_triangular(factor, right, upper=False)
        constants = (sizes / total).log() - 0.5 * d * np.log(2 * np.pi) - 0.5 * log_det
        yield _Group(torch.from_numpy(numbers).to(device), constants, means, whitening, thin)


def _groups(counts: np.ndarray, d: int) -> Iterator[tuple[np.ndarray, int]]:
    """Components whose rows, up to d, are about as many: their numbers (B,), and the most rows of one of them."""
    order = np.argsort(counts, kind="stable")
    end = len(order)
    while end:
        largest = int(counts[order[end - 1]])
        width = max(1, largest)
        most = max(1, min(_COLUMNS // min(width, d), torch_device.BLOCK // (width * d)))
        first = np.searchsorted(counts[order[:end]], d) if largest >= d else 0  # a thin component stays thin
        start = max(0, end - most, int(first))
        yield order[start:end], width
        end = start


def _expect(x: torch.Tensor, groups: list[_Group], k: int) -> tuple[float, DeviceShares]:
    """E-step: mean log-likelihood of rows x (N, d), and their responsibilities."""
    import torch

    total, found, largest = torch.zeros((), dtype=x.dtype, device=x.device), [], []
    step = max(1, torch_device.BLOCK // max(k, *(group.means.numel() for group in groups)))
    for start in range(0, len(x), step):
        block = x[start : start + step]
        logs = torch.empty((len(block), k), dtype=x.dtype, device=x.device)
        for group in groups:
            deviations = block - group.means[:, None]
            squares = torch.bmm(deviations, group.whitening.mT).square_().sum(2)
            if group.thin:
                squares = (deviations.square_().sum(2) - squares) / REGULARISATION
            logs[:, group.numbers] = (group.log_constants[:, None] - 0.5 * squares).T
        largest.append(logs.argmax(1))
        top = logs.amax(1, keepdim=True)
        values = logs.sub_(top).exp_()
        sums = values.sum(1, keepdim=True)
        total += (top + sums.log()).sum()
        values /= sums
        row, component = torch.nonzero(values > np.exp(-_APART), as_tuple=True)
        found.append((row + start, component, values[row, component]))
    rows, components, values = (torch.cat(parts) for parts in zip(*found, strict=True))
    order = torch.argsort(components, stable=True)
    shares = DeviceShares(rows[order], values[order], _ends(components[order], k), torch.cat(largest))
    return float(total) / len(x), shares
