"""Images listed in a CSV table with the columns path and label and, optionally, split.

Paths are relative to the table. Where a label holds a bar, as in `dog|person`, the dataset is one of several labels per
image; that is the one way to say so. A class is what a label spells: 7 and 07 are two.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import Listing, label_of
from pedrank.datasets.splits import complete
from pedrank.user_data.image_folder import from_files
from pedrank.utils.errors import InputError

SEPARATOR = "|"


def listing(path: Path) -> Listing:
    """Raises InputError for a missing column, label or image, and one that is listed twice."""
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
    several = {}
    strata = labels
    if any(len(part) > 1 for part in numbers):
        several["targets"] = targets_of(numbers, len(class_names))
        strata = rarest(several["targets"])
    split = complete([line["split"] for line in table] if "split" in table[0] else None, strata, path)
    return from_files(path.parent, images, labels, split, class_names, **several)


def targets_of(numbers: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """Targets (N, C) int8 of N images with these numbers of classes: 1 the class is there, 0 not."""
    targets = np.zeros((len(numbers), classes), np.int8)
    for row, part in enumerate(numbers):
        targets[row, part] = 1
    return targets


def rarest(targets: np.ndarray) -> np.ndarray:
    """Of each row of targets (N, C) its class that fewest rows have: what a split is stratified by."""
    counts = (targets == 1).sum(axis=0)
    return np.where(targets == 1, counts, len(targets) + 1).argmin(axis=1)


def files(path: Path) -> Iterator[str]:
    """The table and the images that it lists."""
    yield os.fspath(path)
    yield from (os.path.join(path.parent, line["path"]) for line in _read(path))


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            columns = reader.fieldnames or []
            missing = [name for name in ("path", "label") if name not in columns]
            if missing:
                raise InputError(f"{path}: no column '{missing[0]}' in its first line; it needs path and label")
            table = list(reader)
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a CSV table in UTF-8; save it as one") from None
    surplus = next((line for line, cells in enumerate(table, 2) if None in cells), None)
    if surplus is not None:
        raise InputError(
            f"{path}: line {surplus} has more cells than the first line; put a name with a comma in quotes"
        )
    if not table:
        raise InputError(f"{path}: lists no images below its first line")
    return table


def _check_images(path: Path, images: list[str]) -> None:
    missing = [line for line, image in enumerate(images, 2) if not os.path.isfile(image)]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} images are not there, line {missing[0]} first ({images[missing[0] - 2]}); paths "
            "are relative to the table"
        )
    lines: dict[str, int] = {}
    for line, image in enumerate(images, 2):
        if lines.setdefault(image, line) != line:
            raise InputError(f"{path}: line {line} lists {image} again (line {lines[image]}); leave one of them")
