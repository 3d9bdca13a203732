"""The costs that grow with N D^2 and D^3, on a GPU: within-class scatter and its spectrum, in float64 by torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pedrank.observation.spectrum import Spectrum
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch

_BLOCK = 2**26  # numbers of a block of features on the device: 512 MiB in float64


def find(device: str) -> torch.device:
    """The device by torch's name for it; InputError when it is not there or has no float64."""
    import torch

    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device '{device}': cannot compute in float64 ({reason}); use cpu or cuda") from None
    return torch.device(device)


def within_scatter(features: np.ndarray, labels: np.ndarray, means: np.ndarray, device: str) -> np.ndarray:
    """Within-class scatter (D, D) of features (N, D): `pedrank.observation.statistics.within_scatter` on a device."""
    import torch

    where = find(device)
    dims = means.shape[1]
    centres = torch.from_numpy(means).to(where)
    total = torch.zeros((dims, dims), dtype=torch.float64, device=where)
    step = max(1024, _BLOCK // dims)
    for start in range(0, len(labels), step):
        rows = slice(start, start + step)
        # Copies: torch wants memory that may be written.
        block = torch.from_numpy(np.array(features[rows])).to(where).double()
        block -= centres[torch.from_numpy(np.array(labels[rows], dtype=np.int64)).to(where)]
        total.addmm_(block.T, block)
    return total.cpu().numpy()


def spectrum(matrix: np.ndarray, device: str) -> Spectrum:
    """Spectrum of a positive semidefinite matrix (D, D): `spectrum.spectrum` on a device, diagonal."""
    import torch

    where = find(device)
    eigenvalues, vectors = torch.linalg.eigh(torch.from_numpy(np.array(matrix)).to(where))
    values = np.maximum(eigenvalues.cpu().numpy(), 0.0)
    return Spectrum(
        values,
        lambda b: (vectors.T @ torch.from_numpy(np.ascontiguousarray(b)).to(where)).cpu().numpy(),
        lambda b, t: b / (values + t)[:, None],
    )
