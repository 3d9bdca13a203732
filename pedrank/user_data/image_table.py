"""Images listed in a table with the columns path and label and, optionally, split.

Paths are relative to the table. A label with a bar, such as `dog|person`, names several classes of one image. Classes
are told apart by spelling: 7 and 07 are two classes. Text is compared in Unicode's composed form (NFC), since a Mac
writes é as two characters.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np

from pedrank.datasets.listing import Listing, label_of
from pedrank.datasets.splits import complete
from pedrank.formats.csv_file import Row, read_csv_rows
from pedrank.user_data.image_folder import from_files
from pedrank.utils.errors import InputError

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
SEPARATOR = "|"
_REGRESSION = (
    "rank in Python: pedrank.rank({NAME: pedrank.extract(network, pixels), …}, numbers, task='regression'), where "
    "pixels are the images (N, H, W, 3) in 8 bits"
)
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")

# Other spellings of the columns, in lower case without blanks, hyphens and underscores.
LABELS = (
    *("labels", "labelname", "labelid", "class", "classname", "classlabel", "classid", "target"),
    *("category", "categoryname", "categoryid"),
)
_COLUMNS = {
    "path": (
        *("file", "filename", "filepath", "image", "imagename", "imagefile", "imagefilename", "imagepath"),
        *("img", "imgname", "imgfile", "imgpath"),
    ),
    "label": LABELS,
}
_SPLIT = {"split": ("splits", "subset", "partition")}


def listing(path: Path) -> Listing:
    """List the images of a table.

    Raises:
        InputError: A column, a label or an image is missing, or an image is listed twice.
    """
    table = _read(path)
    images = [_file(path, row) for row in table]
    _check_images(path, table, images)
    given = [_classes(path, row) for row in table]
    class_names = sorted({name for part in given for name in part})
    place = label_of(class_names)
    numbers = [[place[name] for name in part] for part in given]
    labels = np.array([min(part) for part in numbers], np.int64)
    targets = targets_of(numbers, len(class_names)) if any(len(part) > 1 for part in numbers) else None
    strata = labels if targets is None else rarest(targets)
    split = complete(_splits(path, table), strata, path)
    return from_files(path.parent, images, labels, split, class_names, targets, amounts(path, given))


def amounts(path: Path, given: Sequence[Sequence[str]]) -> list[str]:
    """Notice labels that are amounts, such as ages: numbers, most of which stand at a single image.

    Args:
        path: The table, for messages.
        given: The classes of each image.

    Returns:
        One sentence about whole numbers, or none.

    Raises:
        InputError: They are decimal numbers, which nobody gives to classes of one image.

    >>> amounts(Path("a.csv"), [["31"], ["44"], ["58"]])[0][:50]
    '3 of 3 classes are numbers that stand at a single '
    >>> amounts(Path("a.csv"), [["3.27"], ["1e-3"], ["58"]])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: a.csv: the labels are numbers such as 3.27, ...
    """
    counts = Counter(name for part in given for name in part)
    single = sum(count == 1 for count in counts.values())
    if 2 * single <= len(counts) or not all(map(_NUMBER.fullmatch, counts)):
        return []
    decimal = next((name for name in counts if not name.lstrip("+-").isdigit()), None)
    if decimal is not None:
        raise InputError(
            f"{path}: the labels are numbers such as {decimal}, most of them at a single image, so they are amounts "
            f"and no classes; for a regression, {_REGRESSION}; if they are classes, write 'class {decimal}'"
        )
    return [
        f"{single} of {len(counts)} classes are numbers that stand at a single image. If the labels are amounts, such "
        f"as ages, {_REGRESSION}."
    ]


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
    yield from (_file(path, row) for row in _read(path))


def _read(path: Path) -> list[Row]:
    table = read_csv_rows(path, _COLUMNS, _SPLIT)
    if not table:
        raise InputError(f"{path}: no images are listed below the first line; add some")
    return table


def _file(path: Path, row: Row) -> str:
    """The image's file; if it is missing, the file of the same name with slashes or in another Unicode form."""
    given = row.cells["path"]
    spellings = [name for text in (given, given.replace("\\", "/")) for name in (text, *_forms(text))]
    candidates = [os.path.join(path.parent, name) for name in spellings]
    return next(filter(os.path.isfile, candidates), candidates[0])


def _forms(text: str) -> tuple[str, ...]:
    return () if text.isascii() else (normalize("NFC", text), normalize("NFD", text))


def _classes(path: Path, row: Row) -> list[str]:
    found = [normalize("NFC", part.strip()) for part in row.cells["label"].split(SEPARATOR) if part.strip()]
    if not found:
        raise InputError(f"{path}: line {row.line}: no label; add it")
    return found


def _splits(path: Path, table: Sequence[Row]) -> list[str] | None:
    """The split of each row; None if the table has none."""
    if "split" not in table[0].cells:
        return None
    empty = next((row.line for row in table if not row.cells["split"]), None)
    if empty is not None:
        raise InputError(f"{path}: line {empty}: no split; fill in the column, or leave it out in all lines")
    return [row.cells["split"] for row in table]


def _check_images(path: Path, table: Sequence[Row], images: Sequence[str]) -> None:
    missing = [(row.line, image) for row, image in zip(table, images, strict=True) if not os.path.isfile(image)]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} images are missing, first in line {missing[0][0]} ({missing[0][1]}); "
            "correct the paths, which are relative to the table"
        )
    lines: dict[str, int] = {}
    for row, image in zip(table, images, strict=True):
        first = lines.setdefault(os.path.normpath(image), row.line)
        if first != row.line:
            raise InputError(
                f"{path}: line {row.line} lists {image} again (first in line {first}); list each image once"
            )
