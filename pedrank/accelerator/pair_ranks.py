"""Ranks of all pairs of rows by their likeness, for PARC."""

from __future__ import annotations

import numpy as np

from pedrank.accelerator import torch_device
from pedrank.accelerator.torch_device import numpys_errors


@numpys_errors
def rank_sums_on(device: str, rows: np.ndarray, sizes: np.ndarray, dtype: type) -> tuple[list[float], list[int], float]:
    """Sum of the ranks of the pairs within each class, among all pairs by their product: `pedrank.metrics.parc`.

    Memory on the device: about 20 bytes for each of the M (M - 1) / 2 pairs, most of it for sorting them.

    Args:
        device: Torch's name of the device.
        rows: (M, dims) of length 1, sorted by class.
        sizes: (C,) class sizes.
        dtype: Type in which products are sorted, float32 or float64.

    Returns:
        Rank sums of the classes (from 1, ties averaged), their numbers of pairs, and the sum of t^3 - t over the groups
        of t equal products.
    """
    import torch

    where = torch_device.find(device)
    x, kind = torch.from_numpy(rows).to(where), torch.float32 if dtype == np.float32 else torch.float64
    likeness = torch.empty(len(x) * (len(x) - 1) // 2, dtype=kind, device=where)
    within, filled, ends = [], 0, np.cumsum(sizes)
    for start, end in zip((ends - sizes).tolist(), ends.tolist(), strict=True):
        inside = torch.triu_indices(end - start, end - start, 1, device=where)
        within.append((x[start:end] @ x[start:end].T)[inside[0], inside[1]].to(kind))
        parts = [within[-1]]
        step = max(1, torch_device.BLOCK // max(1, len(x) - end))
        parts += [(x[first : min(first + step, end)] @ x[end:].T).to(kind).ravel() for first in range(start, end, step)]
        for values in parts:
            likeness[filled : filled + len(values)] = values
            filled += len(values)
    likeness = likeness.sort().values
    sums = []
    for values in within:
        below = torch.searchsorted(likeness, values).sum()
        not_above = torch.searchsorted(likeness, values, right=True).sum()
        sums.append((int(below) + int(not_above) + len(values)) / 2)
    equal = torch.unique_consecutive(likeness, return_counts=True)[1]
    equal = equal[equal > 1].double()  # a value that comes once adds nothing
    return sums, [len(values) for values in within], float((equal**3 - equal).sum())
