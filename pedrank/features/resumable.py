"""Features written to a file batch by batch, so that a killed job can continue."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.features.extraction import fitting_batch, forward, refuse_non_finite_features
from pedrank.observation.statistics import ClassStatistics
from pedrank.store.artefacts import is_begun, map_arrays, write_json
from pedrank.store.digest import code_digest
from pedrank.store.integrity import seal_arrays
from pedrank.utils.checks import check_labels
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch

_CHUNK = 8  # batches between two notes of a job's progress


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
    """Write the features of `images[rows]` and their labels to a file.

    Each image is computed once, even where `rows` names it several times. Features first go to a temporary file beside
    `out`. A killed job continues after its last finished chunk if checkpoint, images, options and code are unchanged,
    which `made_by`, the labels and a digest of the code show. `out` is then the same as without the interruption.

    Args:
        out: File to write.
        network: Maps (B, 3, H, W) float32 to (B, D), with D as its attribute `feature_dim`.
        images: (N, H, W, 3) uint8.
        rows: (R,) image numbers.
        labels: (R,) integers that use every value of 0..C-1; None for images without labels.
        normalisation: "mean" and "std" of the three channels, for images in [0, 1].
        batch_size: Images per forward pass; fewer where memory is short.
        device: Device that computes.
        precision: One of `pedrank.features.float_precision.PRECISIONS`.
        made_by: Provenance to store: checkpoint, images and options.

    Returns:
        Class statistics of the features; None without labels.

    Raises:
        InputError: Labels have a gap, or a feature is not finite.
    """
    if labels is not None:
        check_labels(labels)
    distinct, image_of = np.unique(rows, return_inverse=True)
    order = np.argsort(image_of, kind="stable")  # positions in `rows`, image by image
    first = np.searchsorted(image_of[order], np.arange(len(distinct) + 1))
    dims: Any = network.feature_dim  # torch types an attribute of a module as a tensor or a module
    shapes: dict[str, tuple[np.dtype, tuple[int, ...]]] = {"features": (np.dtype(np.float32), (len(rows), dims))}
    if labels is not None:
        shapes["labels"] = (np.dtype(np.int64), labels.shape)
    temporary = out.with_name(f".tmp-{out.name}")
    note = out.with_name(f".tmp-{out.name}.json")
    if not is_begun(temporary, shapes, made_by):
        note.unlink(missing_ok=True)  # it describes another file, and must go before a new one starts
    maps = map_arrays(temporary, shapes, made_by)
    code = code_digest("pedrank/features/extraction.py", "pedrank/networks/resnets.py")
    there = note.exists() and (labels is None or np.array_equal(maps["labels"], labels))
    known = json.loads(note.read_text(encoding="utf-8")) if there else {}
    done = known["images"] if known.get("code") == code else 0
    if labels is not None:
        maps["labels"][:] = labels

    batch_size = fitting_batch(batch_size, images.shape[1], device)
    step = _CHUNK * batch_size
    try:
        noted = start = done
        blocks = forward(network, images, distinct[done:], normalisation, batch_size, device, precision, done)
        for block in blocks:
            refuse_non_finite_features(block, distinct[start:], len(distinct))
            places = order[first[start] : first[start + len(block)]]
            maps["features"][places] = block[image_of[places] - start]
            start += len(block)
            if start - noted >= step:
                _flush(maps["features"])
                write_json(note, {"images": start, "code": code})
                noted = start
    except InputError:
        temporary.unlink()
        note.unlink(missing_ok=True)
        raise
    for array in maps.values():
        _flush(array)
    statistics = None if labels is None else ClassStatistics.from_features(maps["features"], labels)
    seal_arrays(temporary)
    os.replace(temporary, out)
    note.unlink(missing_ok=True)
    return statistics


def _flush(array: np.ndarray) -> None:
    """Write a memory map to disk; an empty array has no map."""
    if isinstance(array, np.memmap):
        array.flush()
