"""Numbers whose squares float32 can hold."""

from __future__ import annotations

import math


def scale_for_float32(largest: float) -> float:
    """Factor for numbers of which the largest is given, so that sums of their squares are neither 0 nor infinite.

    It is a power of two, which rounds nothing, and 1 for all usual numbers.

    >>> scale_for_float32(300.0), scale_for_float32(2.0**100)
    (1.0, 3.944304526105059e-31)
    """
    return 1.0 if largest == 0 or 1e-10 < largest < 1e10 else 2.0 ** -math.frexp(largest)[1]
