"""A Hugging Face dataset on disk, as its `save_to_disk` writes it: Arrow files, and JSON that describes them.

pyarrow reads it (`pip install 'pedrank[hf]'`); the package `datasets` is not needed. The images are the first column of
type Image. The labels are the first column of type ClassLabel, else the column called label or labels. Lists of labels
mean several classes per image.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.datasets.listing import Listing
from pedrank.datasets.splits import complete
from pedrank.formats.arrow_file import read_arrow, read_description
from pedrank.user_data.image_table import rarest, targets_of
from pedrank.utils.errors import InputError

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"


def is_one(path: Path) -> bool:
    """Whether a folder holds such a dataset."""
    return (path / _DICT).is_file() or (path / _STATE).is_file()


def listing(path: Path) -> Listing:
    """List the images of the dataset.

    Raises:
        InputError: pyarrow is not installed, a file cannot be read, or images or labels are missing.
    """
    folders = _folders(path)
    tables = {}
    for name, folder in folders.items():
        parts = read_description(folder / _STATE)["_data_files"]
        tables[name] = read_arrow(folder, [part["filename"] for part in parts])
    image, label, known = _columns(next(iter(folders.values())))
    given, splits, ids = [], [], []
    for name, table in tables.items():
        for column in (image, label):
            if column not in table.column_names:
                raise InputError(
                    f"{folders[name]}: no column '{column}' (it has {', '.join(table.column_names)}); "
                    "save all splits with the same columns"
                )
        given += table.column(label).to_pylist()
        splits += [name] * len(table)
        ids += [f"{name}/{row}" if name else str(row) for row in range(len(table))]
    if not given:
        raise InputError(f"{path}: no images in this dataset; give another one")
    labels, targets, class_names = _labels(path, given, known)
    split = complete(splits if "" not in tables else None, labels if targets is None else rarest(targets), path)

    def images() -> Iterator[tuple[int, bytes]]:
        row = 0
        for table in tables.values():
            for cell in _cells(table, image):
                yield row, _content(cell, path, ids[row])
                row += 1

    return Listing(ids, labels, split, class_names, images, targets)


def files(path: Path) -> Iterator[str]:
    """Iterate over the Arrow files and the JSON beside them."""
    yield from (str(file) for file in path.rglob("*") if file.suffix in (".arrow", ".json"))


def _folders(path: Path) -> dict[str, Path]:
    """The folder of each split; a dataset without splits has one, with an empty name."""
    if not (path / _DICT).is_file():
        return {"": path}
    return {split: path / split for split in read_description(path / _DICT)["splits"]}


def _cells(table: Any, column: str) -> Iterator[Any]:
    """Values of a column, one at a time: a column of images may be larger than the memory."""
    for chunk in table.column(column).chunks:
        for cell in chunk:
            yield cell.as_py()


def _content(cell: Any, path: Path, row: str) -> bytes:
    if cell is None:
        return b""  # one of the broken images, which are counted when they are decoded
    content = cell.get("bytes") if isinstance(cell, dict) else None
    if content is None and isinstance(cell, dict) and cell.get("path"):
        file = path / cell["path"]  # an absolute path stays absolute
        if file.is_file():
            content = file.read_bytes()
    if content is None:
        raise InputError(f"{path}: image {row} is not in the dataset; save the dataset again with its images embedded")
    return content


def _columns(folder: Path) -> tuple[str, str, list[str] | None]:
    """Names of the image column and the label column, and of the classes if the dataset names them."""
    columns = read_description(folder / _INFO)["features"]
    inner = {
        name: column.get("feature", column) if isinstance(column, dict) else {} for name, column in columns.items()
    }
    kinds = {name: column.get("_type") for name, column in inner.items() if isinstance(column, dict)}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    labels += [name for name in ("label", "labels") if name in columns]
    if not images or not labels:
        wanted = "images" if not images else "labels"
        raise InputError(f"{folder}: no column of {wanted}; it has {', '.join(columns)}; call one image and one label")
    return images[0], labels[0], inner[labels[0]].get("names")


def _labels(path: Path, given: list[Any], names: list[str] | None) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Labels (N,) in 0..C-1, targets (N, C) if images have lists of labels, and the names of the classes that occur."""
    lists = [cell if isinstance(cell, list) else [cell] for cell in given]
    row = next((row for row, cell in enumerate(lists) if not cell or None in cell or (names and min(cell) < 0)), None)
    if row is not None:
        raise InputError(f"{path}: image {row} has no label; add it, or leave the image out")
    present = sorted({value for cell in lists for value in cell})
    place = {value: number for number, value in enumerate(present)}
    class_names = [names[value] if names else str(value) for value in present]
    numbers = [[place[value] for value in cell] for cell in lists]
    labels = np.array([min(part) for part in numbers], np.int64)
    if not any(isinstance(cell, list) for cell in given):
        return labels, None, class_names
    return labels, targets_of(numbers, len(present)), class_names
