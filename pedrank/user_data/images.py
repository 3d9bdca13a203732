"""A user's own images: a folder with a folder for each class, a CSV table, or a Hugging Face dataset on disk.

`image_folder`, `image_table` and `hugging_face` read the three kinds. Data without splits are split class by class
(`pedrank.datasets.splits.split_by_class`).
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from pedrank.datasets.listing import TRAIN, Listing
from pedrank.formats.photo import examine
from pedrank.user_data import hugging_face, image_folder, image_table
from pedrank.user_data.broken_images import LEAVE_OUT, without
from pedrank.user_data.image_facts import facts, remarks
from pedrank.utils.errors import InputError

__all__ = [
    "LEAVE_OUT",
    "examine",
    "facts",
    "fingerprint",
    "listing",
    "notes",
    "reading_notes",
    "remarks",
    "without",
]

IMBALANCE = 20  # ratio of the largest to the smallest class from which a note is printed


def listing(path: Path, unlabelled: bool = False) -> Listing:
    """List the images of a path, with labels and splits.

    Args:
        path: Folder, table or dataset.
        unlabelled: Take all images below a folder as reference images, without classes.

    Raises:
        InputError: The path is not one of the three kinds, holds no images or only one class, labels are missing, or a
            class has no training image.
    """
    if unlabelled:
        return image_folder.unlabelled(path)
    found = _module(path).listing(path)
    if len(found.class_names) < 2:
        only = found.class_names[0]
        inside = f"; if the folders in it are the classes, give {path / only}" if (path / only).is_dir() else ""
        raise InputError(f"{path}: only one class ('{only}'); a ranking needs images of at least two classes{inside}")
    trained = found.split == TRAIN
    present = found.labels[trained] if found.targets is None else np.nonzero(found.targets[trained] == 1)[1]
    without = sorted(set(range(len(found.class_names))) - set(present.tolist()))
    if without:
        raise InputError(
            f"{path}: no training image of the class '{found.class_names[without[0]]}', which has images in other "
            "splits; add some, or leave the class out"
        )
    return found


@cache
def fingerprint(path: Path, unlabelled: bool = False) -> str:
    """Hex digest of names, sizes and modification times of the files that `listing` reads; the images are not opened.

    It changes when an image is added, removed or rewritten, and then the workflow prepares the dataset again.

    Args:
        path: Folder, table or dataset.
        unlabelled: As for `listing`.

    Raises:
        InputError: The path is not one of the three kinds, or a listed image is missing.
    """
    module = image_folder if unlabelled else _module(path)
    digest = hashlib.sha256()
    start = len(os.fspath(path if path.is_dir() else path.parent))  # a moved folder keeps its fingerprint
    for file in sorted(module.files(path)):
        try:
            status = os.stat(file)
        except FileNotFoundError:
            raise InputError(f"{file}: no such image, but {path} lists it; correct the path") from None
        digest.update(f"{file[start:]}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="replace"))
    return digest.hexdigest()


def notes(found: Listing) -> list[str]:
    """Notes for the user: files left out and folders read as splits, tiny or imbalanced classes, and few images.

    Args:
        found: A listing with classes.

    Returns:
        Sentences.
    """
    counts = np.bincount(found.labels) if found.targets is None else (found.targets == 1).sum(axis=0)
    names, smallest, largest = found.class_names, int(np.argmin(counts)), int(np.argmax(counts))
    sentences = list(found.notes)
    single = np.flatnonzero(counts == 1)
    if single.size:
        sentences.append(
            f"{single.size} of {len(counts)} classes have a single image, first '{names[single[0]]}'; such an "
            "image is used for training and never tested, and its class has no variance."
        )
    if counts[largest] >= IMBALANCE * counts[smallest]:
        sentences.append(
            f"Classes differ in size: {counts[largest]} images of '{names[largest]}', {counts[smallest]} of "
            f"'{names[smallest]}'; `metric: mean per-class` gives all classes equal weight."
        )
    per_class = int((found.split == TRAIN).sum()) / len(counts)
    if per_class < 5:
        sentences.append(f"{per_class:.1f} training images per class are few, so scores are noisy.")
    return sentences


@cache
def reading_notes(path: Path) -> list[str]:
    """How the images of a path were read: files left out, folders read as splits.

    Args:
        path: Folder, table or dataset.

    Raises:
        InputError: As for `listing`.
    """
    return list(listing(path).notes)


def _module(path: Path) -> ModuleType:
    """The reader of images for what `path` is."""
    if not path.exists():
        raise InputError(f"{path}: no such folder or file; give a folder of images, or a CSV of path and label")
    if hugging_face.is_one(path):
        return hugging_face
    if path.is_dir():
        return image_folder
    if path.suffix.lower() not in image_table.SUFFIXES:
        raise InputError(
            f"{path}: neither a folder of images nor a .csv file; give one of the two (a spreadsheet can be saved as "
            "'CSV UTF-8')"
        )
    return image_table
