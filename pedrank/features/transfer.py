"""Batches of images on their way to a device, while it computes the batch before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def send(
    images: np.ndarray, rows: np.ndarray, stream: torch.cuda.Stream | None
) -> tuple[torch.Tensor, torch.cuda.Event | None]:
    """Read a batch and start to copy it to the GPU, from pinned memory, in a stream of its own.

    Args:
        images: (N, H, W, 3) uint8, possibly memory-mapped.
        rows: (B,) rows of `images`.
        stream: Copies beside the computation; None for a device that is no GPU of NVIDIA or AMD.

    Returns:
        The batch (B, H, W, 3), and the event that its copy is complete; without a stream, the batch on the CPU.
    """
    import torch

    if stream is None:
        return torch.from_numpy(images[rows]), None
    pinned = torch.empty((len(rows), *images.shape[1:]), dtype=torch.uint8, pin_memory=True)
    np.take(images, rows, axis=0, out=pinned.numpy(), mode="clip")  # "clip" lets it write in place
    with torch.cuda.stream(stream):
        return pinned.to(stream.device, non_blocking=True), stream.record_event()


def receive(sent: torch.Tensor, arrived: torch.cuda.Event | None, device: torch.device) -> torch.Tensor:
    """The batch on the device, for the current stream, which waits until the copy is complete; the CPU does not wait.

    Args:
        sent: The batch, from `send`.
        arrived: Its event.
        device: Where the batch is used.
    """
    import torch

    if arrived is None:
        return sent.to(device)
    current = torch.cuda.current_stream(device)
    current.wait_event(arrived)
    sent.record_stream(current)  # the allocator reuses its memory only after this stream has used it
    return sent
