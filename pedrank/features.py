"""Features: one forward pass of a backbone over images."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.artefacts import is_begun, map_arrays, write_json
from pedrank.checks import check_labels
from pedrank.digest import code_digest
from pedrank.errors import InputError
from pedrank.integrity import seal_arrays
from pedrank.memory import available_memory
from pedrank.statistics import ClassStatistics

if TYPE_CHECKING:
    import torch

PRECISIONS = ("float32", "bfloat16", "float16")
_CHUNK = 8  # batches between two notes of how far a job is


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
        device: Where to compute.
        precision: float32, or the type that torch's automatic mixed precision computes in.

    Returns:
        (N, D) float32.

    Raises:
        InputError: A feature is not finite.
    """
    rows = np.arange(len(images))
    batches = list(forward(network, images, rows, normalisation, batch_size, device, precision))
    features = np.concatenate(batches)
    _refuse_non_finite(features, rows, len(features))
    return features


def extract_to(
    out: Path,
    network: torch.nn.Module,
    images: np.ndarray,
    rows: np.ndarray,
    labels: np.ndarray | None,
    normalisation: Mapping[str, Sequence[float]],
    batch_size: int,
    device: str | torch.device,
    precision: str,
    made_by: Mapping[str, Any],
) -> ClassStatistics | None:
    """Write the features of `images[rows]` and their `labels` to `out`, and return their class statistics, if labelled.

    Each image is computed once, however often `rows` (R,) names it. Features go to a file beside `out` as they come; a
    job that was killed continues behind its last finished chunk, if checkpoint, images, options and code are still the
    same (`made_by`, network and rows say so). `out` then is as if it had never been killed.

    Raises InputError for labels with a gap and features that are not finite.
    """
    if labels is not None:
        check_labels(labels)
    distinct, image_of = np.unique(rows, return_inverse=True)
    order = np.argsort(image_of, kind="stable")  # positions of `rows`, image after image
    first = np.searchsorted(image_of[order], np.arange(len(distinct) + 1))
    shapes = {"features": (np.dtype(np.float32), (len(rows), network.feature_dim))}
    if labels is not None:
        shapes["labels"] = (np.dtype(np.int64), labels.shape)
    temporary = out.with_name(f".tmp-{out.name}")
    note = out.with_name(f".tmp-{out.name}.json")
    if not is_begun(temporary, shapes, made_by):
        note.unlink(missing_ok=True)  # it tells of another file, and must be gone before this one is begun
    maps = map_arrays(temporary, shapes, made_by)
    code = code_digest("pedrank/features.py", "pedrank/networks.py")
    there = note.exists() and (labels is None or np.array_equal(maps["labels"], labels))
    known = json.loads(note.read_text()) if there else {}
    done = known["images"] if known.get("code") == code else 0
    if labels is not None:
        maps["labels"][:] = labels

    batch_size = _fitting(batch_size, images.shape[1], device)
    step = _CHUNK * batch_size
    try:
        noted = start = done
        blocks = forward(network, images, distinct[done:], normalisation, batch_size, device, precision, done)
        for block in blocks:
            _refuse_non_finite(block, distinct[start:], len(distinct))
            places = order[first[start] : first[start + len(block)]]
            maps["features"][places] = block[image_of[places] - start]
            start += len(block)
            if start - noted >= step:
                maps["features"].flush()
                write_json(note, {"images": start, "code": code})
                noted = start
    except InputError:
        temporary.unlink()
        note.unlink(missing_ok=True)
        raise
    for array in maps.values():
        array.flush()
    statistics = None if labels is None else ClassStatistics.from_features(maps["features"], labels)
    seal_arrays(temporary)
    os.replace(temporary, out)
    note.unlink(missing_ok=True)
    return statistics


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
    """Features (b, D) float32 of `images[rows]`, batch after batch.

    The next batch is read while one is computed, and on a GPU a batch's features travel back while the next is
    computed. A batch that does not fit into the GPU's memory is halved. `before` images count as done on the progress
    bar.
    """
    import torch
    from tqdm import tqdm

    device = torch.device(device)
    gpu = device.type == "cuda"
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    batch_size = _fitting(batch_size, images.shape[1], device)

    def read(start: int) -> torch.Tensor:
        pixels = torch.from_numpy(images[rows[start : start + batch_size]])
        return pixels.pin_memory() if gpu else pixels

    @torch.inference_mode()
    def compute(pixels: torch.Tensor) -> torch.Tensor:
        batch = normalise(pixels.to(device, non_blocking=True), normalisation)
        with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
            features = network(batch)
        return features.float().to("cpu", non_blocking=True)

    bar = tqdm(desc="features", total=before + len(rows), initial=before, unit="image", file=sys.stderr, mininterval=1)
    with ThreadPoolExecutor(1) as reader, bar:
        start, coming, pending = 0, reader.submit(read, 0), None
        while start < len(rows):
            pixels = coming.result()
            try:
                features = compute(pixels)
            except torch.OutOfMemoryError:
                if len(pixels) == 1:
                    raise InputError("one image does not fit into the GPU's memory; end other programs on it") from None
                batch_size, coming = len(pixels) // 2, reader.submit(read, start)
                continue
            start += len(pixels)
            coming = reader.submit(read, start)
            arrived = torch.cuda.Event() if gpu else None
            if arrived is not None:
                arrived.record()
            if pending is not None:
                yield _arrived(*pending)
            pending = features, arrived
            bar.update(len(pixels))
        if pending is not None:
            yield _arrived(*pending)


def _arrived(features: torch.Tensor, event: torch.cuda.Event | None) -> np.ndarray:
    if event is not None:
        event.synchronize()
    return features.numpy()


def _fitting(batch_size: int, size: int, device: str | torch.device) -> int:
    """Images of which half the free memory holds three of a ResNet-50's largest maps, 64 channels at half size."""
    import torch

    device = torch.device(device)
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()
    return batch_size if free is None else max(1, min(batch_size, free // 2 // (3 * 64 * 4 * (size // 2 + 1) ** 2)))


def _refuse_non_finite(features: np.ndarray, rows: np.ndarray, total: int) -> None:
    """Raise InputError that names the first of `rows` whose features are not finite."""
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise InputError(
            f"the features of image {rows[np.argmin(finite)]} are not finite ({np.sum(~finite)} of {total} images); "
            "check the checkpoint and its normalisation"
        )


def normalise(
    images: np.ndarray | torch.Tensor,
    normalisation: Mapping[str, Sequence[float]],
    device: str | torch.device | None = None,
) -> torch.Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in channels-last memory: (image / 255 - mean) / std."""
    import torch

    # A copy of an array: torch wants no read-only memory.
    pixels = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.array(images)).to(device or "cpu")
    mean, std = (torch.tensor(normalisation[key], dtype=torch.float32, device=pixels.device) for key in ("mean", "std"))
    return pixels.float().div_(255).sub_(mean).div_(std).permute(0, 3, 1, 2)
