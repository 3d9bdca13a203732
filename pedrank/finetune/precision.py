"""The meaning of `precision: auto` on a device."""

from __future__ import annotations

import torch


def fastest(device: torch.device) -> str:
    """bfloat16 if the device computes in it (its exponents need no loss scaling), else float32.

    >>> fastest(torch.device("cpu"))
    'float32'
    """
    return (
        "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    )
