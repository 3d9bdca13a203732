"""Images in folders: PATH/CLASS/IMAGE, or PATH/SPLIT/CLASS/IMAGE, as torchvision's ImageFolder reads them.

Classes are the folders in alphabetical order; images in deeper folders belong to the class. The first level is read as
splits if all its folders are called train, training, val, valid, validation, dev, test or testing, and one of them is
for training.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import VALIDATION, Listing, label_of
from pedrank.datasets.splits import SPLIT_NAMES, complete
from pedrank.utils.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jp2")

_PASSED_OVER = (".", "__MACOSX")  # hidden files, and leftovers of archives made on a Mac


def listing(path: Path) -> Listing:
    """List the images below a folder.

    Raises:
        InputError: There is no image, an image lies outside the classes, or a class has no image.
    """
    parts = _splits(path)
    found, classes, names = [], [], []
    for name, folder in parts.items():
        start = len(os.path.join(folder, ""))
        for file in sorted(files(folder)):
            inside = file[start:].split(os.sep)
            if len(inside) == 1:
                raise InputError(
                    f"{file}: this image is not in a class folder; make a folder for each class, or write "
                    "a CSV with the columns path and label"
                )
            found.append(file)
            classes.append(inside[0])
            names.append(name)
    if not found:
        raise InputError(f"{path}: no images below this folder; their suffix must be one of {' '.join(SUFFIXES)}")
    folders = sorted({name for folder in parts.values() for name in _folders(folder)})
    empty = sorted(set(folders) - set(classes))
    if empty:
        raise InputError(f"{path}: no images in the class folder '{empty[0]}'; add some, or remove it")
    place = label_of(folders)
    labels = np.array([place[name] for name in classes])
    split = complete(names if "" not in parts else None, labels, path)
    return from_files(path, found, labels, split, folders)


def unlabelled(path: Path) -> Listing:
    """List all images below a folder as reference images: one class, and neither training nor test images.

    Raises:
        InputError: The path is not a folder with images.
    """
    found = sorted(files(path)) if path.is_dir() else []
    if not found:
        raise InputError(f"{path}: not a folder with images; their suffix must be one of {' '.join(SUFFIXES)}")
    zeros = np.zeros(len(found), np.int64)
    return from_files(path, found, zeros, np.full(len(found), VALIDATION, np.uint8), ["unlabelled"])


def from_files(
    path: Path,
    images: Sequence[str],
    labels: np.ndarray,
    split: np.ndarray,
    class_names: Sequence[str],
    targets: np.ndarray | None = None,
) -> Listing:
    """Make a listing of image files on disk.

    Args:
        path: A folder; paths below it are the images' names.
        images: The N files.
        labels: (N,) integers, 0..C-1.
        split: (N,) uint8.
        class_names: The C class names.
        targets: (N, C) int8, if images have several classes.
    """

    def read() -> Iterator[tuple[int, Path]]:
        for row, file in enumerate(images):
            yield row, Path(file)

    start = os.path.join(path, "")
    ids = [file.removeprefix(start).encode(errors="replace").decode().replace("\n", "?") for file in images]
    return Listing(ids, labels.astype(np.int64), split, class_names, read, targets)


def files(path: Path) -> Iterator[str]:
    """Iterate over the image files below a folder, unordered; hidden ones are skipped, links are followed."""
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(_PASSED_OVER)]
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith(_PASSED_OVER):
                yield os.path.join(folder, name)


def _splits(path: Path) -> dict[str, Path]:
    """The folder of each split; a folder without splits has one, with an empty name."""
    named = {name: SPLIT_NAMES.get(name.lower()) for name in _folders(path)}
    if not named or None in named.values() or "train" not in named.values():
        return {"": path}
    return {name: path / name for name in named}


def _folders(path: Path) -> list[str]:
    return sorted(
        entry.name for entry in os.scandir(path) if entry.is_dir() and not entry.name.startswith(_PASSED_OVER)
    )
