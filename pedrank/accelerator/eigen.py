"""Eigenvalues and eigenvectors of a symmetric matrix, O(D^3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pedrank.accelerator import torch_device
from pedrank.accelerator.torch_device import numpys_errors

if TYPE_CHECKING:
    import torch


@numpys_errors
def diagonal_form(matrix: np.ndarray, device: str) -> tuple[np.ndarray, Callable, Callable]:
    """The fields of a `pedrank.observation.spectrum.Spectrum`, computed on a device.

    Args:
        matrix: (D, D) float64, positive semidefinite.
        device: Torch's name of the device.

    Returns:
        Eigenvalues, `rotate` and `solve`. The functions take and return NumPy arrays.

    Raises:
        InputError: The device is missing or cannot compute in float64.
    """
    import torch

    where = torch_device.find(device)
    eigenvalues, vectors = torch.linalg.eigh(torch.from_numpy(np.array(matrix)).to(where))
    values = np.maximum(eigenvalues.cpu().numpy(), 0.0)
    return (
        values,
        lambda b: (vectors.T @ torch.from_numpy(np.ascontiguousarray(b)).to(where)).cpu().numpy(),
        lambda b, t: b / (values[:, None] + t),
    )


def first_axes(matrix: torch.Tensor, share: float) -> torch.Tensor:
    """The fewest eigenvectors (D, d) whose eigenvalues are more than a share of the sum of all, on the device.

    >>> import torch
    >>> first_axes(torch.diag(torch.tensor([2.0, 9.0])), 0.8).abs().tolist()
    [[0.0], [1.0]]
    """
    import torch

    values, vectors = torch.linalg.eigh(matrix)
    descending = values.cpu().numpy()[::-1]
    with np.errstate(invalid="ignore"):  # a matrix of zeros has one axis
        shares = np.cumsum(descending) / descending.sum()
    number = min(int(np.searchsorted(shares, share, side="right")) + 1, len(shares))
    return vectors.flip(1)[:, :number].contiguous()
