"""The state of a run that is not finished: saved every few minutes and on SIGTERM, resumed bit for bit.

A safetensors file with weights, buffers and velocities, and JSON in its header. Order of images, crops and learning
rate are functions of seed and step, so that the step is the whole state of sampler, random numbers and schedule.
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
    """How far a run is."""

    micro_batch: int  # images that fit into the memory at once
    step: int = 0  # steps done
    curve: list[tuple[int, float]] = field(default_factory=list)  # (step, training loss)
    seconds: float = 0.0


def heed_sigterm() -> None:
    """From now on SIGTERM asks the run to save its state and end."""
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())


def save(path: Path, run: str, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
    """Write the state of the run whose hash is `run`."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    write_arrays(path, arrays, {"run": run} | asdict(progress))


def resume(path: Path, run: str, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
    """Put the saved state of the same run, if there is one, into `tensors` and `progress`."""
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
    """Hex digest of all weights and buffers, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()
