"""The device on which networks run, chosen the same way in all scripts."""

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

_SLOTS: list[IO[str]] = []  # open while the process lives: the kernel frees a slot when its process ends


def prepare_device(threads: int, gpu: int) -> torch.device:
    """Limit torch to some CPU threads, make it deterministic, and choose the device.

    On a GPU of NVIDIA or AMD, torch takes deterministic algorithms where it has them, and warns where not. float32 is
    float32, not TF32.

    Args:
        threads: CPU threads.
        gpu: Number of GPUs that the job was given; 0 for the CPU.

    Returns:
        The CPU, or a GPU if the job was given one and one is available: NVIDIA's, AMD's or Apple's. Of several GPUs,
        one that no other job of this user holds; while all are taken, this waits.
    """
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # what Apple's GPUs lack runs on the CPU
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # by default, convolutions use it
    torch.set_float32_matmul_precision("highest")
    if gpu and torch.backends.mps.is_available():
        return torch.device("mps")
    if gpu == 0 or not torch.cuda.is_available():
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS at its start: fixed order of additions
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    index = claim_gpu(torch.cuda.device_count())
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def score_device(threads: int, gpu: int) -> str:
    """Torch's name of the device that computes scores, which need float64: Apple's GPUs have none.

    Args:
        threads: As for `prepare_device`.
        gpu: As for `prepare_device`; 0 for the CPU, without torch.
    """
    device = prepare_device(threads, gpu) if gpu else None
    return "cpu" if device is None or device.type == "mps" else str(device)


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has computed all that it was given, so that a clock counts it.

    Args:
        device: Any device; the CPU never computes later.
    """
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def claim_gpu(count: int, folder: Path | None = None) -> int:
    """Reserve a GPU for this process, by a lock on one file per place on a GPU.

    The profile's `resources: gpu` is the number of jobs at a time, passed on in PEDRANK_GPU_JOBS. If it is larger than
    `count`, each GPU gets several places, and the first place of every GPU is taken before any second place.
    CUDA_VISIBLE_DEVICES, set by the user or by Slurm, determines which GPUs there are.

    Args:
        count: Number of visible GPUs.
        folder: Folder of the lock files; by default the system's temporary folder.

    Returns:
        Index of the GPU, 0..count-1.

    >>> claim_gpu(1)
    0
    """
    if count == 1:
        return 0
    places = max(1, math.ceil(int(os.environ.get("PEDRANK_GPU_JOBS") or 0) / count))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = visible if len(visible) == count else [str(index) for index in range(count)]
    folder = folder or Path(tempfile.gettempdir())
    while True:
        for place, (index, name) in itertools.product(range(places), enumerate(names)):
            # The name of a slice of a GPU has slashes.
            path = folder / f"pedrank-{os.getuid()}-gpu-{name.replace('/', '-')}-{place}.lock"
            slot = open(path, "a", encoding="utf-8")  # noqa: SIM115 (it stays open on purpose)
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                slot.close()
                continue
            _SLOTS.append(slot)
            return index
        time.sleep(0.5)
