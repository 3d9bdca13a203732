"""Within-class scatter, O(N D^2), and its spectrum, O(D^3), on a GPU: in float64 by torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pedrank.observation.spectrum import Spectrum
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch

_BLOCK = 2**26  # numbers in a block of features on the device: 512 MiB in float64


def find(device: str) -> torch.device:
    """The device of that name in torch, such as "cuda"; InputError when it is missing or cannot compute in float64."""
    import torch

    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device '{device}': cannot compute in float64 ({reason}); use cpu or cuda") from None
    return torch.device(device)


def within_scatter(features: np.ndarray, labels: np.ndarray, means: np.ndarray, device: str) -> np.ndarray:
    """Within-class scatter: `pedrank.observation.statistics.within_scatter`, computed on a device.

    Args:
        features: (N, D) real numbers.
        labels: (N,) integers in 0..C-1.
        means: (C, D) class means, float64.
        device: Torch's name of the device.

    Returns:
        (D, D) float64, on the CPU.

    Raises:
        InputError: The device is missing or cannot compute in float64.
    """
    import torch

    where = find(device)
    dims = means.shape[1]
    centres = torch.from_numpy(means).to(where)
    total = torch.zeros((dims, dims), dtype=torch.float64, device=where)
    step = max(1024, _BLOCK // dims)
    for start in range(0, len(labels), step):
        rows = slice(start, start + step)
        # Copied, because torch needs writable memory.
        block = torch.from_numpy(np.array(features[rows])).to(where).double()
        block -= centres[torch.from_numpy(np.array(labels[rows], dtype=np.int64)).to(where)]
        total.addmm_(block.T, block)
    return total.cpu().numpy()


def spectrum(matrix: np.ndarray, device: str) -> Spectrum:
    """Spectrum of a positive semidefinite matrix: `pedrank.observation.spectrum.spectrum`, computed on a device.

    Args:
        matrix: (D, D) float64.
        device: Torch's name of the device.

    Returns:
        The diagonal form; its functions take and return NumPy arrays.

    Raises:
        InputError: The device is missing or cannot compute in float64.
    """
    import torch

    where = find(device)
    eigenvalues, vectors = torch.linalg.eigh(torch.from_numpy(np.array(matrix)).to(where))
    values = np.maximum(eigenvalues.cpu().numpy(), 0.0)
    return Spectrum(
        values,
        lambda b: (vectors.T @ torch.from_numpy(np.ascontiguousarray(b)).to(where)).cpu().numpy(),
        lambda b, t: b / (values[:, None] + t),
    )
