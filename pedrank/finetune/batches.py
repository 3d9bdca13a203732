"""Batches: which images each step sees, and getting them to the device while the step before is still computing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from pedrank.finetune.crops import crop_and_flip, random_boxes, random_flips
from pedrank.finetune.protocol import Options


def shuffled(rows: int, options: Options, generator: torch.Generator) -> np.ndarray:
    """(steps, batch size) numbers below `rows`: epoch after epoch, each in an order of its own."""
    wanted = options.steps * options.batch_size
    epochs = [torch.randperm(rows, generator=generator) for _ in range(math.ceil(wanted / rows))]
    return torch.cat(epochs)[:wanted].view(options.steps, options.batch_size).numpy()


def fetched(images: np.ndarray, batches: np.ndarray, device: torch.device) -> Iterator[torch.Tensor]:
    """The uint8 images of each batch on the device, in order.

    On a GPU a thread reads the next batch into pinned memory and sends it while the current one is trained on.
    """
    if device.type != "cuda":
        yield from (torch.from_numpy(images[batch]) for batch in batches)
        return
    stream = torch.cuda.Stream(device)

    def send(batch: np.ndarray) -> tuple[torch.Tensor, torch.cuda.Event]:
        pinned = torch.empty((len(batch), *images.shape[1:]), dtype=torch.uint8, pin_memory=True)
        np.take(images, batch, axis=0, out=pinned.numpy(), mode="clip")  # "clip" lets it write in place
        with torch.cuda.stream(stream):
            return pinned.to(device, non_blocking=True), stream.record_event()

    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(send, batch) for batch in batches[:2]]
        for following in [*batches[2:], None, None][: len(batches)]:
            sent, arrived = coming.pop(0).result()
            if following is not None:
                coming.append(pool.submit(send, following))
            current = torch.cuda.current_stream(device)
            current.wait_event(arrived)
            sent.record_stream(current)  # its memory is not given away before this stream is done with it
            yield sent


def augmented(pixels: torch.Tensor, size: int, options: Options, seed: int, step: int) -> torch.Tensor:
    """What the network is shown of (B, S, S, 3) uint8 images: (B, H, W, 3) float, 0..255.

    Random crops depend on seed and step alone, so that a resumed run draws them again.
    """
    if options.augmentation == "none":
        return pixels.float()
    generator = torch.Generator().manual_seed(seed * options.steps + step)
    boxes = random_boxes(len(pixels), pixels.shape[1], generator)
    return crop_and_flip(pixels, boxes, random_flips(len(pixels), generator), size)


def normalise(pixels: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """(B, H, W, 3), 0..255, to (B, 3, H, W) float32 in channels-last memory: (image / 255 - mean) / std."""
    return ((pixels / 255 - mean) / std).permute(0, 3, 1, 2)
