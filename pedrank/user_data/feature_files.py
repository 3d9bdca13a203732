"""Features that a user has computed already: one folder per dataset, with one file per checkpoint.

A file is .npz or .safetensors with the arrays `features` (N, D) and `labels` (N,), or .npy with the features alone and
the labels beside it in labels.npy. Nothing in them is unpickled. Labels are integers or texts; the classes 0..C-1 are
their distinct values in sorted order. `read_arrays_of` also reads labels that are no classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.catalogue.catalogue import OWN_CARD
from pedrank.features.user_arrays import read_user_arrays
from pedrank.formats.image_kinds import ending
from pedrank.formats.numpy_file import opened
from pedrank.user_data.image_files import left_out_sentences, passed_over
from pedrank.user_data.slug import slug
from pedrank.utils.checks import check_features, check_labels
from pedrank.utils.errors import InputError, about
from pedrank.utils.memory import check_free

SUFFIXES = (".npz", ".npy", ".safetensors")
LABELS = "labels.npy"


def features_entry(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return a card for `datasets` of a catalogue, and entries for `checkpoints` by name.

    Args:
        path: The folder of a dataset's features.

    Returns:
        The card, and the entries by checkpoint.

    Raises:
        InputError: The path is not a folder, or has fewer than two files of features.

    >>> Path("mine").mkdir()
    >>> for name in ("one", "two"):
    ...     np.save(f"mine/{name}.npy", np.zeros((2, 3)))
    >>> features_entry(Path("mine"))[1]
    {'one': {'zoo': 'features'}, 'two': {'zoo': 'features'}}
    """
    path = path.absolute()
    found = files(path)
    if len(found) < 2:
        raise InputError(
            f"{path}: the number of feature files ({', '.join(SUFFIXES)}) is {len(found)}; a ranking needs at least two"
        )
    return {"title": path.name, **OWN_CARD, "features": str(path)}, {name: {"zoo": "features"} for name in found}


def files(folder: Path) -> dict[str, Path]:
    """Return the files of features in a folder, by checkpoint: the file's name as `slug` writes it.

    Raises:
        InputError: The path is not a folder, or two files have the same name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder; give a folder with one feature file per checkpoint")
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix not in SUFFIXES or file.name == LABELS or file.name.startswith("."):
            continue
        name = slug(file.stem)
        if name in found:
            raise InputError(f"{file}: {found[name].name} has the same name, '{name}'; rename one of them")
        found[name] = file
    return found


def left_out(folder: Path) -> list[str]:
    """Say which other files and folders lie beside the features: one sentence, or none.

    Args:
        folder: The dataset's folder.
    """
    used = {LABELS, *(file.name for file in files(folder).values())}
    others = [entry for entry in folder.iterdir() if entry.name not in used and not passed_over(entry.name)]
    kinds = Counter("folder" if entry.is_dir() else f"{ending(entry.name)} file".strip() for entry in others)
    return left_out_sentences({(kind, f"{kind}s"): number for kind, number in kinds.items()})


def file_of(folder: Path, checkpoint: str) -> Path:
    """Return the file of one checkpoint's features.

    Args:
        folder: The dataset's folder.
        checkpoint: Name of the checkpoint.

    Raises:
        InputError: The folder has no features of the checkpoint.
    """
    found = files(folder)
    if checkpoint not in found:
        raise InputError(
            f"{folder}: no features of '{checkpoint}' (it has those of {', '.join(found) or 'none'}); add them"
        )
    return found[checkpoint]


def read_features(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read features (N, D) float32 and labels (N,) int64 in 0..C-1 from a file.

    Raises:
        InputError: As `read_named`.
    """
    features, labels, _ = read_named(path)
    return features, labels


def read_named(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read features (N, D) float32, labels (N,) int64 in 0..C-1, and the names of the C classes from a file.

    The names are the file's own labels, as texts.

    Raises:
        InputError: The file is missing or broken, lacks an array, or its features and labels are unusable
            (`pedrank.utils.checks`).
    """
    arrays = read_arrays_of(path)
    with about(path):
        return usable(arrays["features"], np.asarray(arrays["labels"]))


def usable(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Check the features and labels of a user, and bring them into the form in which they are scored.

    Args:
        features: (N, D) real numbers.
        labels: (N,) integers or texts.

    Returns:
        Features (N, D) float32, labels (N,) int64 in 0..C-1, and the names of the C classes: the distinct labels in
        sorted order, as texts.

    Raises:
        InputError: Features or labels are unusable (`pedrank.utils.checks`), or a feature is not finite in float32.

    >>> usable(np.zeros((3, 2)), np.array(["cat", "dog", "cat"]))[1:]
    (array([0, 1, 0]), ['cat', 'dog'])
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iuUS":
        raise InputError(
            f"labels must be a vector of integers or texts; they have shape {labels.shape} and type {labels.dtype}; "
            "save classes as integers (real numbers and several labels per sample are for `pedrank rank` only)"
        )
    classes, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.astype(np.int64)
    check_features(features, len(numbers))
    check_labels(numbers)
    if features.dtype != np.float32:
        check_free(f"features of type {features.dtype}, copied as float32,", 4 * features.size, "save them as float32")
    features = np.asarray(features, np.float32)
    finite = np.isfinite(features.min(axis=1)) & np.isfinite(features.max(axis=1))
    if not finite.all():
        raise InputError(f"row {np.argmin(finite)} of the features is not finite in float32; compute them again")
    names = [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in classes.tolist()]
    return features, numbers, names


def read_arrays_of(path: Path, names: Sequence[str] = ("features", "labels")) -> dict[str, np.ndarray]:
    """Read arrays of a file of features as they are, without checks of their shapes and types.

    Args:
        path: The file.
        names: "features", "labels", or both.

    Returns:
        Arrays by name.

    Raises:
        InputError: The file is missing or broken, or lacks an array.
    """
    if path.suffix == ".safetensors":
        return read_user_arrays(path, *names)
    if path.suffix == ".npy":
        return {name: _load(path if name == "features" else path.with_name(LABELS)) for name in names}
    if path.suffix != ".npz":
        raise InputError(f"{path}: not a feature file; its suffix must be one of {', '.join(SUFFIXES)}")
    with opened(path, "correct the path") as content:
        missing = [name for name in ("features", "labels") if name not in content]
        if missing:
            raise InputError(f"{path}: no array '{missing[0]}' (it has {', '.join(content) or 'none'}); add it")
        return {name: content[name] for name in names}


def _load(path: Path) -> np.ndarray:
    with opened(path, f"put the labels of .npy features beside them, in {LABELS}") as content:
        return content
