"""A dataset: uint8 images with labels and a fixed split, and its file.

`pedrank/catalogue/datasets.yaml` holds a card for each dataset: classes, counts, licence, source. Every dataset is
checked against its card when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pedrank.store.artefacts import described, read_arrays, read_metadata, sha256, write_arrays
from pedrank.utils.errors import InputError

SIZE = 32
SPLITS = ("train", "validation", "test")
_OPTIONAL = ("ids", "targets", "released")


@dataclass(frozen=True)
class Dataset:
    """Images with labels; row i of each array is one image."""

    name: str
    images: np.ndarray  # (N, H, W, 3) uint8, RGB
    labels: np.ndarray  # (N,) int64, 0..C-1
    split: np.ndarray  # (N,) uint8, index into SPLITS
    class_names: tuple[str, ...]
    source: str
    licence: str
    ids: np.ndarray | None = None  # uint8, names of the rows: one UTF-8 text of N lines
    targets: np.ndarray | None = None  # (N, C) int8, several classes per image: 1 present, 0 absent, -1 hard to see
    released: np.ndarray | None = None  # (N,) uint8, how often the released feature code reads the row; None: once
    made_by: Mapping[str, Any] = field(default_factory=dict)  # provenance

    def rows(self, *splits: str) -> np.ndarray:
        """Indices of the rows of some splits, in the dataset's order; without arguments, of all rows.

        >>> images, split = np.zeros((3, 2, 2, 3), np.uint8), np.array([0, 2, 0], np.uint8)
        >>> Dataset("a", images, split, split, ("cat",), "", "").rows("train")
        array([0, 2])
        """
        return np.flatnonzero(np.isin(self.split, [SPLITS.index(name) for name in splits or SPLITS]))


def check_dataset(dataset: Dataset) -> None:
    """Raise InputError unless the arrays fit together and every class has a training image.

    Reference images, which have neither a training nor a test split, need no training image.
    """
    images, labels, split, classes = dataset.images, dataset.labels, dataset.split, len(dataset.class_names)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise InputError(
            f"{dataset.name}: images must have shape (number, height, width, 3) and type uint8, not {images.shape} "
            f"{images.dtype}; prepare it again"
        )
    if labels.shape != images.shape[:1] or split.shape != images.shape[:1]:
        raise InputError(
            f"{dataset.name}: {len(images)} images but {len(labels)} labels and {len(split)} split entries; "
            "prepare it again"
        )
    if labels.dtype.kind not in "iu" or split.dtype != np.uint8:
        raise InputError(f"{dataset.name}: labels or splits are not integers; prepare it again")
    if split.size and split.max() >= len(SPLITS):
        raise InputError(f"{dataset.name}: split {split.max()} is not one of 0..2; prepare it again")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise InputError(
            f"{dataset.name}: labels go from {labels.min()} to {labels.max()}, but there are {classes} class names; "
            "prepare it again"
        )
    for name in ("targets", "released"):
        array = getattr(dataset, name)
        if array is not None and len(array) != len(images):
            raise InputError(f"{dataset.name}: {len(images)} images but {len(array)} {name}; prepare it again")
    if len(dataset.rows("train")) == 0 == len(dataset.rows("test")):
        return  # reference images: nothing is trained on them
    train = dataset.rows("train")
    if dataset.targets is None:
        trained = np.bincount(labels[train], minlength=classes)
    else:
        trained = (dataset.targets[train] == 1).sum(axis=0)
    if np.any(trained == 0):
        missing = int(np.argmin(trained))
        raise InputError(
            f"{dataset.name}: class {missing} ({dataset.class_names[missing]}) has no training image; "
            "add some, or remove the class and number the labels without gaps"
        )


def check_card(dataset: Dataset, card: dict[str, Any]) -> None:
    """Check a dataset against its card.

    Args:
        dataset: The dataset.
        card: Its catalogue entry, with `classes` (names), `counts`, and optionally `sha256`.

    Raises:
        InputError: Class names, counts, or the checksum of the content differ.
    """
    if list(dataset.class_names) != list(card["classes"]):
        raise InputError(f"{dataset.name}: class names differ from the card's; delete the file and prepare it again")
    counts = {name: len(dataset.rows(name)) for name in SPLITS}
    if counts != card["counts"]:
        raise InputError(
            f"{dataset.name}: counts {counts} differ from the card's {card['counts']}; "
            "delete the file and prepare it again"
        )
    if "sha256" in card and content_sha256(dataset) != card["sha256"]:
        raise InputError(
            f"{dataset.name}: the content differs from the card's checksum; reinstall its source ({dataset.source})"
        )


def content_sha256(dataset: Dataset) -> str:
    """Hex digest of images, labels and split, in this order; other fields do not count.

    >>> images, numbers = np.zeros((1, 2, 2, 3), np.uint8), np.zeros(1, np.uint8)
    >>> content_sha256(Dataset("a", images, numbers, numbers, ("cat",), "", ""))[:8]
    'e7ecebbc'
    """
    digest = hashlib.sha256()
    for array in (dataset.images, dataset.labels, dataset.split):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save_images(dataset: Dataset, path: str | os.PathLike) -> None:
    """Write a dataset as one safetensors file.

    Args:
        dataset: The dataset.
        path: The file; its folder is made if necessary.
    """
    arrays = {name: getattr(dataset, name) for name in ("images", "labels", "split", *_OPTIONAL)}
    write_arrays(path, {name: array for name, array in arrays.items() if array is not None}, describe(dataset))


def describe(dataset: Dataset) -> dict[str, Any]:
    """Metadata for the header of a dataset's file: name, source, licence, class names, provenance."""
    fields = {name: getattr(dataset, name) for name in ("name", "source", "licence")}
    return fields | {"class_names": list(dataset.class_names), "made_by": dict(dataset.made_by)}


def load_images(path: str | os.PathLike) -> Dataset:
    """Read a file of `save_images` or `pedrank.datasets.prepare`; its arrays are memory-mapped.

    Raises:
        InputError: The file is missing or broken, or its content is not a dataset (`check_dataset`).
    """
    arrays = read_arrays(path, whole=False)
    metadata = described(path, "name", "class_names", "source", "licence")
    names = ("images", "labels", "split", *_OPTIONAL)
    missing = [name for name in names[:3] if name not in arrays]
    if missing:
        raise InputError(f"{path}: no array '{missing[0]}' in this file; delete it and prepare the dataset again")
    classes = metadata["class_names"]
    if not (isinstance(classes, list) and all(isinstance(label, str) for label in classes)):
        raise InputError(
            f"{path}: `class_names` in the file's header is not a list of text values; prepare the dataset again"
        )
    dataset = Dataset(
        name=metadata["name"],
        **{name: array for name, array in arrays.items() if name in names},
        class_names=tuple(classes),
        source=metadata["source"],
        licence=metadata["licence"],
        made_by=metadata.get("made_by", {}),
    )
    check_dataset(dataset)
    return dataset


def fingerprint(path: str | os.PathLike) -> str:
    """Hex digest that identifies the content of a dataset's file.

    If the header records the inputs and the code that made the file, the record is hashed, since such files have
    gigabytes. Otherwise the whole file is hashed.
    """
    made_by = read_metadata(path).get("made_by")
    return hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest() if made_by else sha256(path)
