"""Features and labels on a device: copied there once, and read in float64 block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pedrank.accelerator import torch_device
from pedrank.accelerator.torch_device import numpys_errors

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DeviceRows:
    """Features of one observation, for a device.

    Attributes:
        stored: (N, D) as stored; on the device, or still on the CPU where the device has too little memory.
        labels: (N,) integers in 0..C-1, on the device.
        displacement: (C, D) float64 on the device, added to the features of each class; None for raw features.
    """

    stored: torch.Tensor | np.ndarray
    labels: torch.Tensor
    displacement: torch.Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        return self.labels.device

    def moved(self, displacement: np.ndarray | None) -> DeviceRows:
        """The same features with their classes displaced; only the displacement (C, D) is copied to the device."""
        return replace(self, displacement=None if displacement is None else self.put(displacement))

    def put(self, array: np.ndarray) -> torch.Tensor:
        """A float64 copy of a real array on the device."""
        return _tensor(np.asarray(array, dtype=np.float64)).to(self.device)

    def blocks(self, rows: np.ndarray | None = None, width: int = 1) -> Iterator[tuple[slice, torch.Tensor]]:
        """Iterate over the displaced features in float64, block by block; a block may be overwritten.

        Args:
            rows: (M,) row numbers; None for all rows.
            width: Numbers per row that the caller computes from a block; blocks are smaller where it exceeds D.

        Yields:
            A slice of `rows` (of all rows where `rows` is None), and its features (b, D) on the device.
        """
        total = len(self.labels) if rows is None else len(rows)
        step = max(1, torch_device.BLOCK // max(self.stored.shape[1], width))
        for start in range(0, total, step):
            place = slice(start, min(start + step, total))
            block = self._read(place if rows is None else rows[place])
            if self.displacement is not None:
                own = self.labels[place] if rows is None else self.labels[_tensor(rows[place]).to(self.device)]
                block += self.displacement[own]
            yield place, block

    def _read(self, rows: slice | np.ndarray) -> torch.Tensor:
        import torch

        if isinstance(self.stored, np.ndarray):
            return _tensor(self.stored[rows]).to(self.device).double()
        chosen = self.stored[rows if isinstance(rows, slice) else _tensor(rows).to(self.device)]
        return chosen.to(torch.float64, copy=True)


@numpys_errors
def upload(features: np.ndarray, labels: np.ndarray, device: str) -> DeviceRows:
    """Copy features and labels to a device, block by block.

    Features that need more than half of the GPU's free memory stay on the CPU, and each pass copies them again.

    Args:
        features: (N, D) real numbers.
        labels: (N,) integers in 0..C-1.
        device: Torch's name of the device.

    Raises:
        InputError: The device is missing, cannot compute in float64, or is out of memory.
    """
    import torch

    where = torch_device.find(device)
    on_device = _tensor(np.asarray(labels, dtype=np.int64)).to(where)
    free = torch_device.free_bytes(where)
    if free is not None and features.nbytes > free // 2:
        return DeviceRows(features, on_device)
    stored = torch.empty(features.shape, dtype=_tensor(features[:1]).dtype, device=where)
    step = max(1, torch_device.BLOCK // features.shape[1])
    for start in range(0, len(features), step):
        stored[start : start + step] = _tensor(features[start : start + step]).to(where)
    return DeviceRows(stored, on_device)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """A copy on the CPU. The types that torch shares with NumPy are kept; others become float64."""
    import torch

    kept = array.dtype.kind in "fi" and array.dtype.itemsize <= 8 or array.dtype == np.uint8
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=") if kept else np.float64, order="C"))
