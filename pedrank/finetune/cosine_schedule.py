"""The schedule of the learning rate: half a cosine, without warm-up and without restarts."""

from __future__ import annotations

import math


def cosine_rate(learning_rate: float, step: int, steps: int) -> float:
    """The cosine schedule without restarts: `learning_rate` at step 0, 0 after the last one."""
    return learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
