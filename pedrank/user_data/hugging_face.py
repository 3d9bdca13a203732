"""A Hugging Face dataset on disk, as its `save_to_disk` writes it: Arrow files and JSON that describes them.

pyarrow reads it (`pip install 'pedrank[hf]'`); the package `datasets` is not needed. The first column of images is
taken, and the first of class labels, else the one called label or labels. Lists of labels are several labels per image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.datasets.listing import Listing
from pedrank.datasets.splits import complete
from pedrank.user_data.image_table import rarest, targets_of
from pedrank.utils.errors import InputError

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"


def is_one(path: Path) -> bool:
    return (path / _DICT).is_file() or (path / _STATE).is_file()


def listing(path: Path) -> Listing:
    """Raises InputError when pyarrow is missing, a file cannot be read, or there are no images or labels."""
    folders = _folders(path)
    tables = {split: _table(folder) for split, folder in folders.items()}
    image, label, names = _columns(next(iter(folders.values())))
    given, splits, ids = [], [], []
    for split, table in tables.items():
        for column in (image, label):
            if column not in table.column_names:
                raise InputError(f"{folders[split]}: no column '{column}'; it has {', '.join(table.column_names)}")
        given += table.column(label).to_pylist()
        splits += [split] * len(table)
        ids += [f"{split}/{row}" if split else str(row) for row in range(len(table))]
    if not given:
        raise InputError(f"{path}: this dataset holds no images")
    labels, targets, class_names = _labels(path, given, names)
    split = complete(splits if "" not in tables else None, labels if targets is None else rarest(targets), path)

    def images() -> Iterator[tuple[int, bytes]]:
        row = 0
        for table in tables.values():
            for cell in _cells(table, image):
                yield row, _content(cell, path, ids[row])
                row += 1

    return Listing(ids, labels, split, class_names, images, targets)


def files(path: Path) -> Iterator[str]:
    """The Arrow files and what describes them."""
    yield from (str(file) for file in path.rglob("*") if file.suffix in (".arrow", ".json"))


def _folders(path: Path) -> dict[str, Path]:
    """The folder of each split; one without a name for a dataset that is not divided."""
    if not (path / _DICT).is_file():
        return {"": path}
    return {split: path / split for split in _json(path / _DICT)["splits"]}


def _table(folder: Path) -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise InputError(f"{folder}: a Hugging Face dataset needs pyarrow; pip install 'pedrank[hf]'") from None
    parts = []
    for part in _json(folder / _STATE)["_data_files"]:
        file = folder / Path(part["filename"]).name
        try:
            parts.append(pa.ipc.open_stream(pa.memory_map(str(file))).read_all())
        except (OSError, pa.ArrowInvalid):
            raise InputError(f"{file}: missing, or no Arrow file; save the dataset again") from None
    return pa.concat_tables(parts)


def _cells(table: Any, column: str) -> Iterator[Any]:
    """One value at a time: a column of images may be larger than the memory."""
    for chunk in table.column(column).chunks:
        for cell in chunk:
            yield cell.as_py()


def _content(cell: Any, path: Path, row: str) -> bytes:
    content = cell.get("bytes") if isinstance(cell, dict) else None
    if content is None and isinstance(cell, dict) and cell.get("path"):
        file = path / cell["path"]  # an absolute path stays as it is
        if file.is_file():
            content = file.read_bytes()
    if content is None:
        raise InputError(f"{path}: image {row} is not in the dataset; save it again with its images embedded")
    return content


def _columns(folder: Path) -> tuple[str, str, list[str] | None]:
    """Names of the columns of images and labels, and of the classes if the dataset names them."""
    columns = _json(folder / _INFO)["features"]
    inner = {
        name: column.get("feature", column) if isinstance(column, dict) else {} for name, column in columns.items()
    }
    kinds = {name: column.get("_type") for name, column in inner.items() if isinstance(column, dict)}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    labels += [name for name in ("label", "labels") if name in columns]
    if not images or not labels:
        wanted = "images" if not images else "labels"
        raise InputError(f"{folder}: no column of {wanted} (it has {', '.join(columns)}); name one image, one label")
    return images[0], labels[0], inner[labels[0]].get("names")


def _labels(path: Path, given: list[Any], names: list[str] | None) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Labels (N,) 0..C-1, targets (N, C) where images have lists of labels, and the names of classes that occur."""
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


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        raise InputError(f"{path}: missing or not JSON; save the dataset again with save_to_disk") from None
