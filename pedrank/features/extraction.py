"""Features: one forward pass of a backbone over images."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from pedrank.features.normalise import normalise
from pedrank.features.transfer import receive, send
from pedrank.utils.errors import InputError
from pedrank.utils.memory import available_memory

if TYPE_CHECKING:
    import torch


def extract(
    network: torch.nn.Module,
    images: np.ndarray,
    normalisation: Mapping[str, Sequence[float]],
    batch_size: int = 256,
    device: str | torch.device = "cpu",
    precision: str = "float32",
) -> np.ndarray:
    """Features of every image, in order.

    Args:
        network: Maps (B, 3, H, W) float32 to (B, D); put into evaluation mode and moved to `device`.
        images: (N, H, W, 3) uint8.
        normalisation: "mean" and "std" of the three channels, for images in [0, 1].
        batch_size: Images per forward pass; fewer where memory is short.
        device: Device that computes: "cpu", or torch's name of another.
        precision: "float32"; "tf32", faster on NVIDIA's GPUs and wrong by about 1e-3; or the type of torch's automatic
            mixed precision, "bfloat16" or "float16". torch's own settings of TF32 do not matter and are not changed.

    Returns:
        (N, D) float32.

    Raises:
        InputError: A feature is not finite, or a single image does not fit into the GPU's memory.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())  # mean colour
    >>> white = np.full((2, 4, 4, 3), 255, np.uint8)
    >>> extract(network, white, {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.25]})
    array([[1., 1., 2.],
           [1., 1., 2.]], dtype=float32)
    """
    rows = np.arange(len(images))
    batches = list(forward(network, images, rows, normalisation, batch_size, device, precision))
    features = np.concatenate(batches)
    refuse_non_finite_features(features, rows, len(features))
    return features


def forward(
    network: torch.nn.Module,
    images: np.ndarray,
    rows: np.ndarray,
    normalisation: Mapping[str, Sequence[float]],
    batch_size: int,
    device: str | torch.device,
    precision: str,
    before: int = 0,
) -> Iterator[np.ndarray]:
    """Features of some images, batch by batch.

    The next batch is read while the current one is computed. On a GPU, it is also copied there meanwhile, in a stream
    of its own, and a batch's features are copied back while the next batch is computed. A batch that does not fit into
    the GPU's memory is halved. On a CPU, batch normalisations are folded into convolutions where that gives the same
    features.

    Args:
        network: Maps (B, 3, H, W) float32 to (B, D); put into evaluation mode and moved to `device`.
        images: (N, H, W, 3) uint8.
        rows: (R,) numbers of the images to compute.
        normalisation: "mean" and "std" of the three channels, for images in [0, 1].
        batch_size: Images per forward pass; fewer where memory is short.
        device: Device that computes.
        precision: One of `pedrank.features.float_precision.PRECISIONS`.
        before: Number of images that the progress bar shows as already done.

    Yields:
        (b, D) float32.

    Raises:
        InputError: A single image does not fit into the GPU's memory.
    """
    import torch
    from tqdm import tqdm

    from pedrank.features.float_precision import computing_in
    from pedrank.features.fold import folded

    device = torch.device(device)
    gpu = device.type == "cuda"  # Apple's GPU has the CPU's memory, and copies nothing beside its computation
    network = network.to(device).eval()
    if device.type == "cpu" and len(images):
        # The same images whichever rows are left, so that a job that continues decides as before.
        network = folded(network, normalise(images[:2], normalisation))
    network = network.to(memory_format=torch.channels_last)
    batch_size = fitting_batch(batch_size, images.shape[1], device)

    stream = torch.cuda.Stream(device) if gpu else None

    def read(start: int) -> tuple[torch.Tensor, torch.cuda.Event | None]:
        return send(images, rows[start : start + batch_size], stream)

    @torch.inference_mode()
    def compute(sent: torch.Tensor, arrived: torch.cuda.Event | None) -> torch.Tensor:
        batch = normalise(receive(sent, arrived, device), normalisation)
        with computing_in(precision, device.type):
            features = network(batch)
        return features.float().to("cpu", non_blocking=gpu)  # without an event to wait for, a copy must be complete

    bar = tqdm(desc="features", total=before + len(rows), initial=before, unit="image", file=sys.stderr, mininterval=1)
    with ThreadPoolExecutor(1) as reader, bar:
        start, coming, pending = 0, reader.submit(read, 0), None
        while start < len(rows):
            count = min(batch_size, len(rows) - start)
            try:
                features = compute(*coming.result())
            except torch.OutOfMemoryError:
                if count == 1:
                    raise InputError(
                        "one image does not fit into the GPU's memory; end other programs that use the GPU"
                    ) from None
                batch_size = count // 2
                coming = reader.submit(read, start)
                continue
            start += count
            coming = reader.submit(read, start)
            arrived = torch.cuda.Event() if gpu else None
            if arrived is not None:
                arrived.record()
            if pending is not None:
                yield _arrived(*pending)
            pending = features, arrived
            bar.update(count)
        if pending is not None:
            yield _arrived(*pending)


def _arrived(features: torch.Tensor, event: torch.cuda.Event | None) -> np.ndarray:
    """Features (b, D) once their copy from the GPU is complete."""
    if event is not None:
        event.synchronize()
    return features.numpy()


def fitting_batch(batch_size: int, size: int, device: str | torch.device) -> int:
    """Largest batch whose feature maps fit into half of the free memory.

    An image counts as three of a ResNet-50's largest maps: 64 float32 channels at half its size.

    Args:
        batch_size: Wanted images per batch.
        size: Height of the images in pixels.
        device: Device that computes.

    Returns:
        Images per batch, from 1 to `batch_size`.

    >>> fitting_batch(1, 32, "cpu")
    1
    """
    import torch

    device = torch.device(device)
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()
    return batch_size if free is None else max(1, min(batch_size, free // 2 // (3 * 64 * 4 * (size // 2 + 1) ** 2)))


def refuse_non_finite_features(features: np.ndarray, rows: np.ndarray, total: int) -> None:
    """Raise InputError where features are not finite.

    Args:
        features: (b, D).
        rows: (b,) or more image numbers; the message names the first bad one.
        total: Number of images, for the message.
    """
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise InputError(
            f"the features of image {rows[np.argmin(finite)]} are not finite ({np.sum(~finite)} of {total} images); "
            "check the checkpoint and its normalisation"
        )
