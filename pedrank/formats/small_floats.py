"""Numbers that NumPy has no type for, as float32: bfloat16, and the two float8 of safetensors and torch.

The values are exact: float32 holds every number of these types.
"""

from __future__ import annotations

import numpy as np

# Names as in safetensors and in torch, and the type of the raw bits.
BITS = {
    "BF16": "<u2",
    "F8_E4M3": "u1",
    "F8_E5M2": "u1",
    "bfloat16": "<u2",
    "float8_e4m3fn": "u1",
    "float8_e5m2": "u1",
}


def float32_of(bits: np.ndarray, name: str) -> np.ndarray:
    """Return the numbers that raw bits stand for.

    Args:
        bits: Raw bits of any shape, in the type that `BITS` gives.
        name: A key of `BITS`.

    Returns:
        The numbers, float32, in the same shape.

    >>> float32_of(np.array([0x3F80, 0xC000], "<u2"), "BF16").tolist()
    [1.0, -2.0]
    >>> float32_of(np.array([0x38, 0x7E, 0x01], "u1"), "F8_E4M3").tolist()
    [1.0, 448.0, 0.001953125]
    """
    if name in ("BF16", "bfloat16"):
        return (bits.astype("<u4") << 16).view("<f4")
    if name in ("F8_E5M2", "float8_e5m2"):  # the upper half of float16
        return (bits.astype("<u2") << 8).view("<f2").astype("<f4")
    return _e4m3()[bits]


def _e4m3() -> np.ndarray:
    """The 256 numbers of float8 with 4 bits of exponent and 3 of mantissa; it has NaN and no infinity."""
    codes = np.arange(256)
    exponent, mantissa = codes >> 3 & 15, codes & 7
    size = np.where(exponent == 0, np.ldexp(mantissa, -9), np.ldexp(8 + mantissa, exponent - 10))
    size = np.where(codes & 127 == 127, np.nan, size)
    return np.where(codes & 128, -size, size).astype("<f4")
