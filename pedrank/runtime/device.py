"""Where networks run: one choice for all scripts."""

from __future__ import annotations

import fcntl
import itertools
import math
import os
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_SLOTS: list[IO[str]] = []  # open for the life of the process: the kernel frees a slot when its process ends


def prepare_device(threads: int, gpu: int) -> torch.device:
    """Limit torch to `threads` CPU threads, make it deterministic, and return the device.

    The device is CUDA if the job was given a GPU (`gpu` > 0) and there is one, else the CPU. Of several GPUs it is one
    that no other job of this user holds; while there is none, this waits.
    """
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if gpu == 0 or not torch.cuda.is_available():
        return torch.device("cpu")
    index = claim_gpu(torch.cuda.device_count())
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def claim_gpu(count: int, folder: Path | None = None) -> int:
    """Index of a GPU that is now this process's own, 0..count-1, by a lock on one file for each place on a GPU.

    The profile's `resources: gpu` is the number of jobs that run at once (the workflow passes it on in
    PEDRANK_GPU_JOBS): where it is larger than `count`, every GPU has as many places as it takes, and all first places
    are taken before any second. CUDA_VISIBLE_DEVICES, set by you or by Slurm, says which GPUs there are.
    """
    if count == 1:
        return 0
    places = max(1, math.ceil(int(os.environ.get("PEDRANK_GPU_JOBS") or 0) / count))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = visible if len(visible) == count else [str(index) for index in range(count)]
    folder = folder or Path(tempfile.gettempdir())
    while True:
        for place, (index, name) in itertools.product(range(places), enumerate(names)):
            # A slice of a GPU has slashes in its name.
            path = folder / f"pedrank-{os.getuid()}-gpu-{name.replace('/', '-')}-{place}.lock"
            slot = open(path, "a")  # noqa: SIM115 (it stays open on purpose)
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                slot.close()
                continue
            _SLOTS.append(slot)
            return index
        time.sleep(0.5)
