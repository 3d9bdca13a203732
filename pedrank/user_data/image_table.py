"""Images listed in a CSV table with the columns path and label and, optionally, split.

Paths are relative to the table. A label with a bar, such as `dog|person`, names several classes of one image. Classes
are told apart by spelling: 7 and 07 are two classes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import Listing, label_of
from pedrank.datasets.splits import complete
from pedrank.formats.csv_file import read_csv_rows
from pedrank.user_data.image_folder import from_files
from pedrank.utils.errors import InputError

SEPARATOR = "|"


def listing(path: Path) -> Listing:
    """List the images of a table.

    Raises:
        InputError: A column, a label or an image is missing, or an image is listed twice.
    """
    table = _read(path)
    images = [os.path.join(path.parent, line["path"]) for line in table]
    _check_images(path, images)
    given = [[part.strip() for part in line["label"].split(SEPARATOR) if part.strip()] for line in table]
    if not all(given):
        raise InputError(f"{path}: line {2 + [bool(part) for part in given].index(False)}: no label; add it")
    class_names = sorted({name for part in given for name in part})
    place = label_of(class_names)
    numbers = [[place[name] for name in part] for part in given]
    labels = np.array([min(part) for part in numbers], np.int64)
    targets = targets_of(numbers, len(class_names)) if any(len(part) > 1 for part in numbers) else None
    strata = labels if targets is None else rarest(targets)
    split = complete([line["split"] for line in table] if "split" in table[0] else None, strata, path)
    return from_files(path.parent, images, labels, split, class_names, targets)


def targets_of(numbers: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """Targets (N, C) int8 of images with several classes: 1 the class is present, 0 absent.

    Args:
        numbers: The classes of each of the N images.
        classes: Number C of classes.

    >>> targets_of([[0, 2], [1]], 3)
    array([[1, 0, 1],
           [0, 1, 0]], dtype=int8)
    """
    targets = np.zeros((len(numbers), classes), np.int8)
    for row, part in enumerate(numbers):
        targets[row, part] = 1
    return targets


def rarest(targets: np.ndarray) -> np.ndarray:
    """Rarest class (N,) of each row of targets (N, C); splits are stratified by it.

    >>> rarest(np.array([[1, 1], [1, 0]]))
    array([1, 0])
    """
    counts = (targets == 1).sum(axis=0)
    return np.where(targets == 1, counts, len(targets) + 1).argmin(axis=1)


def files(path: Path) -> Iterator[str]:
    """Iterate over the table and the images that it lists."""
    yield os.fspath(path)
    yield from (os.path.join(path.parent, line["path"]) for line in _read(path))


def _read(path: Path) -> list[dict[str, str]]:
    table = read_csv_rows(path, ("path", "label"))
    if not table:
        raise InputError(f"{path}: no images are listed below the first line; add some")
    return table


def _check_images(path: Path, images: list[str]) -> None:
    missing = [line for line, image in enumerate(images, 2) if not os.path.isfile(image)]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} images are missing, first in line {missing[0]} ({images[missing[0] - 2]}); "
            "correct the paths, which are relative to the table"
        )
    lines: dict[str, int] = {}
    for line, image in enumerate(images, 2):
        if lines.setdefault(image, line) != line:
            raise InputError(
                f"{path}: line {line} lists {image} again (first in line {lines[image]}); delete one of the lines"
            )
