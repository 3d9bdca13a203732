"""Fisher's discriminant on a device: what SFDA and LDA compute from the features; `pedrank.metrics._fisher`.

The D x D algebra and the passes over the features are float64. The formulas stand in `pedrank.metrics.sfda`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pedrank.accelerator.device_rows import DeviceRows
from pedrank.accelerator.torch_device import numpys_errors

if TYPE_CHECKING:
    import torch


@numpys_errors
def lda_misses(rows: DeviceRows, covariance: np.ndarray, means: np.ndarray, log_priors: np.ndarray) -> np.ndarray:
    """ln(1 - p_y) (N,) of all samples under the linear discriminant of a shrunk covariance.

    Args:
        rows: Features (N, D).
        covariance: (D, D), already shrunk.
        means: (C, D) class means.
        log_priors: (C,) logarithms of the class shares.

    Returns:
        (N,) float64 on the CPU.
    """
    import torch

    weights, intercepts = _discriminant(rows.put(covariance), rows.put(means), rows.put(log_priors))
    misses = torch.empty(len(rows.labels), dtype=torch.float64, device=rows.device)
    for place, block in rows.blocks(width=len(means)):
        misses[place] = _log_miss(block @ weights + intercepts, rows.labels[place])
    return misses.cpu().numpy()


@numpys_errors
def sfda_misses(
    rows: DeviceRows, within: np.ndarray, means: np.ndarray, counts: np.ndarray, shrinkage: float, negligible: float
) -> np.ndarray:
    """ln(1 - p_y) (N,) of all samples under the second discriminant, which has seen the mixed samples.

    Args:
        rows: Features (N, D).
        within: (D, D) within-class scatter.
        means: (C, D) class means.
        counts: (C,) class sizes.
        shrinkage: Share of the mean variance in both covariances.
        negligible: Share of q below which a sample counts as sure.

    Returns:
        (N,) float64 on the CPU.
    """
    import torch

    n, c, labels = int(counts.sum()), len(counts), rows.labels
    scatter, centres, sizes = rows.put(within), rows.put(means), rows.put(counts)
    log_priors = (sizes / n).log()
    weights, intercepts = _discriminant(_shrunk(scatter / n, shrinkage), centres, log_priors)
    others = (centres.sum(0) - centres) / (c - 1)
    sure = float(np.e / (np.e + c - 1))
    apart = sure * (centres - others)
    sums = sizes[:, None] * apart
    scatter *= sure**2
    confidence = torch.empty(n, dtype=torch.float64, device=rows.device)
    for place, block in rows.blocks(width=c):
        own = labels[place]
        probability = (block @ weights + intercepts).softmax(1).softmax(1)
        q = confidence[place] = probability.gather(1, own[:, None])[:, 0]
        unsure = torch.nonzero(q < sure * (1 - negligible))[:, 0]
        if len(unsure):
            own, q = own[unsure], q[unsure, None]
            varying = block[unsure] - others[own]
            one_hot = torch.nn.functional.one_hot(own, c).double()
            sums -= (one_hot * (sure - q)).T @ varying
            varying *= (sure**2 - q**2).sqrt()
            scatter.addmm_(varying.T, varying, alpha=-1)
    shifts = sums / sizes[:, None]
    scatter += torch.cat([apart, -shifts]).T @ torch.cat([sizes[:, None] * apart, sums])

    weights, intercepts = _discriminant(_shrunk(scatter / n, shrinkage), others + shifts, log_priors)
    other_logits = others @ weights
    misses = torch.empty_like(confidence)
    for place, block in rows.blocks(width=c):
        own, q = labels[place], confidence[place, None]
        misses[place] = _log_miss(q * (block @ weights) + (1 - q) * other_logits[own] + intercepts, own)
    return misses.cpu().numpy()


def _shrunk(covariance: torch.Tensor, shrinkage: float) -> torch.Tensor:
    mean_variance = covariance.trace() / len(covariance)
    covariance *= 1 - shrinkage
    covariance.diagonal().add_(shrinkage * mean_variance)
    return covariance


def _discriminant(
    covariance: torch.Tensor, means: torch.Tensor, log_priors: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (D, C) and intercepts (C,), by LU as on the CPU."""
    import torch

    weights = torch.linalg.solve(covariance, means.T)
    return weights, log_priors - 0.5 * (means * weights.T).sum(1)


def _log_miss(logits: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """ln(1 - p_y), with p the softmax of the logits, which are overwritten."""
    everything = logits.logsumexp(1)
    return logits.scatter_(1, own[:, None], -float("inf")).logsumexp(1) - everything
