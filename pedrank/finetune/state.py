"""The state of an unfinished run: saved every three minutes and on SIGTERM, resumed bit for bit.

A safetensors file holds weights, buffers and velocities, with JSON in its header. The order of the images, their crops
and the learning rate are functions of seed and step. So the step alone restores sampler, random numbers and schedule.
"""

from __future__ import annotations

import hashlib
import signal
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from pedrank.store.artefacts import read_arrays, read_metadata, write_arrays

SAVE_SECONDS = 180
STOP = threading.Event()


@dataclass
class Progress:
    """Progress of a run."""

    micro_batch: int  # images computed at once
    step: int = 0  # steps done
    curve: list[tuple[int, float]] = field(default_factory=list)  # (step, training loss)
    seconds: float = 0.0  # of training, up to the last saved state


def heed_sigterm() -> None:
    """From now on, SIGTERM makes a run save its state and end."""
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())


def save(path: Path, run: str, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
    """Write the state of a run.

    Args:
        path: A safetensors file.
        run: Hash that identifies the run.
        tensors: Weights, buffers and velocities by name.
        progress: Step, training curve, micro-batch and seconds.
    """
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    write_arrays(path, arrays, {"run": run} | asdict(progress))


def resume(path: Path, run: str, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
    """Restore the saved state of a run; do nothing if there is no state, or that of another run.

    Args:
        path: A safetensors file, as `save` writes it.
        run: Hash that identifies the run.
        tensors: Overwritten in place.
        progress: Overwritten in place.
    """
    if not path.exists():
        return
    saved = read_metadata(path)
    if saved.pop("run", None) != run:
        return
    arrays = read_arrays(path, *tensors)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(np.array(arrays[name])))
    progress.micro_batch, progress.step, progress.seconds = saved["micro_batch"], saved["step"], saved["seconds"]
    progress.curve = [(step, loss) for step, loss in saved["curve"]]


def weights_sha256(model: torch.nn.Module) -> str:
    """SHA-256 of all weights and buffers in the order of their names, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()
