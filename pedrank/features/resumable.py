"""Features written to a file as they come, so that a killed job continues where it was."""

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

_CHUNK = 8  # batches between two notes of how far a job is


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
    code = code_digest("pedrank/features/extraction.py", "pedrank/networks/resnets.py")
    there = note.exists() and (labels is None or np.array_equal(maps["labels"], labels))
    known = json.loads(note.read_text()) if there else {}
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
