"""A user's own images: a folder with a folder for each class, a CSV table, or a Hugging Face dataset on disk.

`own_folder`, `own_table` and `own_arrow` say how each of them is read. Where it brings no split, every class is split
by itself (`pedrank.datasets.splits.split_by_class`).
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from pedrank.datasets.listing import TRAIN, Listing
from pedrank.formats.photo import upright_rgb
from pedrank.user_data import hugging_face, image_folder, image_table
from pedrank.utils.errors import InputError

__all__ = ["fingerprint", "listing", "notes", "upright_rgb"]

IMBALANCE = 20  # times as many images in the largest class as in the smallest


def listing(path: Path, unlabelled: bool = False) -> Listing:
    """The images of `path`, with labels and splits; `unlabelled` takes all below a folder as reference images.

    Raises InputError for a path that is none of the three, holds no images or one class only, and labels that are
    missing.
    """
    if unlabelled:
        return image_folder.unlabelled(path)
    found = _module(path).listing(path)
    if len(found.class_names) < 2:
        raise InputError(
            f"{path}: only one class ('{found.class_names[0]}'); a ranking needs images of two classes at least"
        )
    return found


@cache
def fingerprint(path: Path, unlabelled: bool = False) -> str:
    """Hex digest of names, sizes and modification times of the files that `listing` reads; nothing is opened but lists.

    It changes when an image is added, taken away or written, and so does what the workflow made of them.
    """
    module = image_folder if unlabelled else _module(path)
    digest = hashlib.sha256()
    start = len(os.fspath(path if path.is_dir() else path.parent))  # where the folder lies makes no difference
    for file in sorted(module.files(path)):
        try:
            status = os.stat(file)
        except FileNotFoundError:
            raise InputError(f"{file}: no such image, though {path} lists it; correct the path") from None
        digest.update(f"{file[start:]}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="replace"))
    return digest.hexdigest()


def notes(found: Listing) -> list[str]:
    """What a user should know of the classes: tiny ones and imbalance, one sentence each."""
    counts = np.bincount(found.labels) if found.targets is None else (found.targets == 1).sum(axis=0)
    names, smallest, largest = found.class_names, int(np.argmin(counts)), int(np.argmax(counts))
    said = []
    single = np.flatnonzero(counts == 1)
    if single.size:
        said.append(
            f"{single.size} of {len(counts)} classes have a single image, first '{names[single[0]]}': they are trained "
            "on and never tested, and have no variance for a metric to see"
        )
    if counts[largest] >= IMBALANCE * counts[smallest]:
        said.append(
            f"classes differ in size: {counts[largest]} images of '{names[largest]}', {counts[smallest]} of "
            f"'{names[smallest]}'; `metric: mean per-class` counts them alike"
        )
    per_class = int((found.split == TRAIN).sum()) / len(counts)
    if per_class < 5:
        said.append(f"{per_class:.1f} training images per class are few; expect scores to be noisy")
    return said


def _module(path: Path) -> ModuleType:
    """The reader of what lies at `path`."""
    if not path.exists():
        raise InputError(f"{path}: no such folder or file; give a folder of images, or a CSV of path and label")
    if hugging_face.is_one(path):
        return hugging_face
    if path.is_dir():
        return image_folder
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path}: neither a folder of images nor a .csv file; give one of the two")
    return image_table
