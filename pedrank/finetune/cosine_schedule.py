"""The learning rate of each step: half a cosine from its first value to 0, without warm-up or restarts."""

from __future__ import annotations

import math


def cosine_rate(learning_rate: float, step: int, steps: int) -> float:
    """Learning rate of one step: learning_rate (1 + cos(pi step / steps)) / 2 (Loshchilov and Hutter 2017, Eq. 5).

    Args:
        learning_rate: Value at step 0.
        step: Counted from 0.
        steps: Of the whole run; the rate would be 0 at this step, which is no longer taken.

    >>> [round(cosine_rate(0.1, step, 4), 4) for step in range(4)]
    [0.1, 0.0854, 0.05, 0.0146]
    """
    return learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
