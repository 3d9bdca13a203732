"""Batches: which images each step trains on, and their transfer to the device while the previous step computes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from pedrank.features.transfer import receive, send
from pedrank.finetune.crops import crop_and_flip, random_boxes, random_flips
from pedrank.finetune.protocol import Options


def shuffled(rows: int, options: Options, generator: torch.Generator) -> np.ndarray:
    """Rows of every batch: epoch after epoch, each epoch in a new random order.

    Args:
        rows: Number of images.
        options: Steps and batch size.
        generator: Source of the random orders.

    Returns:
        (steps, batch size) integers from 0 to `rows` - 1. A batch may span two epochs.

    >>> order = shuffled(4, Options(0.1, 0.0, steps=2, batch_size=4), torch.Generator().manual_seed(0))
    >>> order.shape, sorted(order[0].tolist())
    ((2, 4), [0, 1, 2, 3])
    """
    wanted = options.steps * options.batch_size
    epochs = [torch.randperm(rows, generator=generator) for _ in range(math.ceil(wanted / rows))]
    return torch.cat(epochs)[:wanted].view(options.steps, options.batch_size).numpy()


def fetched(images: np.ndarray, batches: np.ndarray, device: torch.device) -> Iterator[torch.Tensor]:
    """The images of each batch on the device, in order.

    On a GPU, a thread reads the next batch into pinned memory and sends it while the current one is trained on.

    Args:
        images: (N, H, W, 3) uint8, possibly memory-mapped.
        batches: (steps, B) rows of `images`.
        device: Where the batches go.

    Yields:
        (B, H, W, 3) uint8.
    """
    if device.type != "cuda":
        yield from (receive(*send(images, batch, None), device) for batch in batches)
        return
    stream = torch.cuda.Stream(device)
    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(send, images, batch, stream) for batch in batches[:2]]
        for following in [*batches[2:], None, None][: len(batches)]:
            sent, arrived = coming.pop(0).result()
            if following is not None:
                coming.append(pool.submit(send, images, following, stream))
            yield receive(sent, arrived, device)


def augmented(pixels: torch.Tensor, size: int, options: Options, seed: int, step: int) -> torch.Tensor:
    """The images of one batch as the network sees them: randomly cropped and flipped, or unchanged.

    Random numbers depend on seed and step alone, so a resumed run draws the same crops again.

    Args:
        pixels: (B, S, S, 3) uint8.
        size: Side of the crops in pixels.
        options: Names the augmentation.
        seed: Seed of the run.
        step: Step of training, counted from 0.

    Returns:
        (B, size, size, 3) float32 from 0 to 255; without augmentation (B, S, S, 3).
    """
    if options.augmentation == "none":
        return pixels.float()
    generator = torch.Generator().manual_seed(seed * options.steps + step)
    boxes = random_boxes(len(pixels), pixels.shape[1], generator)
    return crop_and_flip(pixels, boxes, random_flips(len(pixels), generator), size)
