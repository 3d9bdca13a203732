"""Features that a user has computed already: a file for each checkpoint, in one folder for each dataset.

A file is .npz or .safetensors with the arrays `features` (N, D) and `labels` (N,), or .npy with the features alone and
labels lie beside it in labels.npy. Nothing in them is unpickled. Labels are integers or texts; the classes 0..C-1 are
their values in order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pedrank.catalogue.catalogue import OWN_CARD
from pedrank.formats.numpy_file import opened
from pedrank.store.artefacts import read_arrays
from pedrank.user_data.slug import slug
from pedrank.utils.checks import check_features, check_labels
from pedrank.utils.errors import InputError, about

SUFFIXES = (".npz", ".npy", ".safetensors")
LABELS = "labels.npy"


def features_entry(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """A card for `datasets` of a catalogue, and entries for `checkpoints` by the names of the folder's files.

    Raises InputError for a path that is no folder, and one with fewer than two files of features.
    """
    path = path.absolute()
    found = files(path)
    if len(found) < 2:
        raise InputError(
            f"{path}: {len(found)} files of features (looked for {', '.join(SUFFIXES)}); a ranking needs two at least"
        )
    return {"title": path.name, **OWN_CARD, "features": str(path)}, {name: {"zoo": "features"} for name in found}


def files(folder: Path) -> dict[str, Path]:
    """The files of features in a folder by the names of their checkpoints: the file's, as `slug` writes it."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of features; give one with a file for each checkpoint")
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix not in SUFFIXES or file.name == LABELS or file.name.startswith("."):
            continue
        name = slug(file.stem)
        if name in found:
            raise InputError(f"{file}: {found[name].name} has the same name, '{name}'; rename one of them")
        found[name] = file
    return found


def file_of(folder: Path, checkpoint: str) -> Path:
    """The file of one checkpoint's features; InputError when the folder has none."""
    found = files(folder)
    if checkpoint not in found:
        raise InputError(f"{folder}: no features of '{checkpoint}' (there are those of {', '.join(found) or 'none'})")
    return found[checkpoint]


def read_features(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) float32 and labels (N,) int64 in 0..C-1 of one file; InputError as `read_named`."""
    features, labels, _ = read_named(path)
    return features, labels


def read_named(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features (N, D) float32, labels (N,) int64 in 0..C-1, and what the file calls the C classes.

    Raises InputError for a file that cannot be read or lacks an array, and for features and labels that do not fit.
    """
    arrays = _arrays(path)
    features, given = arrays["features"], np.asarray(arrays["labels"])
    with about(path):
        if given.ndim != 1 or given.dtype.kind not in "iuUS":
            raise InputError(f"labels must be a vector of integers or texts, not {given.shape} {given.dtype}")
        classes, labels = np.unique(given, return_inverse=True)
        labels = labels.astype(np.int64)
        check_features(features, len(labels))
        check_labels(labels)
        features = np.asarray(features, np.float32)
        finite = np.isfinite(features).all(axis=1)
        if not finite.all():
            raise InputError(f"row {np.argmin(finite)} of the features is not finite in float32; compute them again")
    names = [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in classes.tolist()]
    return features, labels, names


def _arrays(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".safetensors":
        return read_arrays(path, "features", "labels")
    if path.suffix == ".npy":
        return {"features": _load(path), "labels": _load(path.with_name(LABELS))}
    if path.suffix != ".npz":
        raise InputError(f"{path}: no file of features; it ends with one of {', '.join(SUFFIXES)}")
    with opened(path, "correct the path") as content:
        missing = [name for name in ("features", "labels") if name not in content]
        if missing:
            raise InputError(f"{path}: no array '{missing[0]}' (it has {', '.join(content) or 'none'}); add it")
        return {name: content[name] for name in ("features", "labels")}


def _load(path: Path) -> np.ndarray:
    with opened(path, f"features in .npy need their labels beside them, in {LABELS}") as content:
        return content
