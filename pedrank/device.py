"""Where networks run: one choice for all scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def prepare(threads: int, gpu: int) -> torch.device:
    """Limit torch to `threads` CPU threads, make it deterministic, and return the device.

    The device is CUDA's first visible one if the job was given a GPU (`gpu` > 0) and there is one, else the CPU.
    """
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return torch.device("cuda" if gpu > 0 and torch.cuda.is_available() else "cpu")
