"""Numbers whose squares float32 can hold."""

from __future__ import annotations

import math

import numpy as np


def scale_for_float32(x: np.ndarray) -> float:
    """Factor for an array, so that sums of its squares are neither 0 nor infinite.

    It is a power of two, which rounds nothing, and 1 for all usual numbers.

    Raises:
        numpy.linalg.LinAlgError: A number is not finite.

    >>> scale_for_float32(np.array([-300.0, 0.0])), scale_for_float32(np.array([2.0**100]))
    (1.0, 3.944304526105059e-31)
    """
    largest = float(max(x.max(), -x.min()))
    if not math.isfinite(largest):
        raise np.linalg.LinAlgError("numbers are not finite")
    return 1.0 if largest == 0 or 1e-10 < largest < 1e10 else 2.0 ** -math.frexp(largest)[1]
