"""A Hugging Face dataset on disk: a folder that `save_to_disk` wrote, or Parquet files as on the Hub.

pyarrow reads it (`pip install 'pedrank[hf]'`); the package `datasets` is not needed. Images are in the column `image`,
else in the only column of type Image. Labels are in the column `label`, else in the only column of type ClassLabel,
else in the only column with another usual name (`pedrank.user_data.image_table.LABELS`). Where several columns are
possible, none is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pedrank.datasets.listing import Listing
from pedrank.datasets.splits import SPLIT_NAMES, complete
from pedrank.formats.arrow_file import ARROW, PARQUET, read_cells, read_columns, read_description, read_outside
from pedrank.user_data import image_folder
from pedrank.user_data.image_table import LABELS, amounts, rarest
from pedrank.user_data.label_cells import classes, is_unlabelled, named, numbered
from pedrank.utils.errors import InputError, about

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_DEPTHS = ("*", "*/*", "*/*/*")  # of Parquet files in a folder: train.parquet to default/train/0000.parquet
_LIST = ("List", "LargeList", "Sequence")


@dataclass(frozen=True)
class Part:
    """The files of one split, and the `features` that describe their columns."""

    split: str  # "" in a dataset without splits
    files: Sequence[Path]
    columns: Mapping[str, Any]


def is_one(path: Path) -> bool:
    """Whether a path holds such a dataset: a Parquet file, or a folder without image files that has its files."""
    if not path.is_dir():
        return path.suffix == PARQUET
    if (path / _DICT).is_file() or (path / _STATE).is_file():
        return True
    return bool(_tables(path)) and next(iter(image_folder.files(path)), None) is None


def listing(path: Path) -> Listing:
    """List the images of the dataset.

    Splits without any label, as some test sets have, are left out; a note tells it.

    Raises:
        InputError: pyarrow is not installed, a file cannot be read, images or labels are missing, or several columns
            may be the images or the labels.
    """
    parts = _parts(path)
    image = _column(path, parts[0], "image", *_candidates(parts[0], "Image"))
    label = _column(path, parts[0], "label", *_candidates(parts[0], "ClassLabel", LABELS))
    unused = [name for name in _candidates(parts[0], "ClassLabel")[0] if name != label]
    notes = [f"Labels are those of the column '{label}', and not of {', '.join(unused)}."] if unused else []
    given: dict[str, list[Any]] = {}
    for part in parts:
        for column in (image, label):
            if column not in part.columns:
                raise InputError(
                    f"{part.files[0] if part.files else path}: no column '{column}' "
                    f"(it has {', '.join(part.columns)}); save all splits with the same columns"
                )
        names = _names(part.columns[label])
        with about(f"{path}, column '{label}'"):
            cells = list(read_cells(part.files, label))
            given[part.split] = named(cells, names) if names else cells
    if not any(given.values()):
        raise InputError(f"{path}: no images in this dataset; give another one")
    hidden = [split for split, cells in given.items() if is_unlabelled(cells)]
    if len(hidden) == len(given):
        raise InputError(f"{path}: no image has a label in the column '{label}'; give a dataset with labels")
    notes += [
        f"The split '{split}' has no labels, so its {len(given[split]):,} images are left out."
        for split in hidden
        if given[split]
    ]
    parts = [part for part in parts if part.split not in hidden]
    ids = [f"{part.split}/{row}".lstrip("/") for part in parts for row in range(len(given[part.split]))]
    with about(f"{path}, column '{label}'"):
        found = classes([cell for part in parts for cell in given[part.split]], ids)
    order = dict.fromkeys(chain.from_iterable(_names(part.columns[label]) or () for part in parts))
    if not order:  # nothing declares them as classes
        notes += amounts(path, [[str(name) for name in part] for part in found])
    labels, targets, class_names = numbered(found, list(order))
    splits = [part.split for part in parts for _ in given[part.split]]
    split = complete(splits if any(splits) else None, labels if targets is None else rarest(targets), path)
    _check_outside(path, parts, image, ids)

    def images() -> Iterator[tuple[int, bytes]]:
        cells = chain.from_iterable(read_cells(part.files, image) for part in parts)
        for row, cell in enumerate(cells):
            yield row, _content(cell, path, ids[row])

    return Listing(ids, labels, split, class_names, images, targets, notes=notes)


def files(path: Path) -> Iterator[str]:
    """Iterate over the tables, the JSON beside them, and the image files that Arrow tables name."""
    if not path.is_dir():
        yield os.fspath(path)
        return
    yield from (os.fspath(file) for file in path.rglob("*") if file.suffix in (ARROW, PARQUET, ".json"))
    parts = _parts(path)
    image = _column(path, parts[0], "image", *_candidates(parts[0], "Image"))
    for _, file in _outside(path, parts, image):
        if file is not None and file.is_file():
            yield os.fspath(file)


def _parts(path: Path) -> list[Part]:
    if (path / _DICT).is_file():
        return [_saved(path / split, split) for split in map(str, read_description(path / _DICT, "splits", list))]
    if (path / _STATE).is_file():
        return [_saved(path, "")]
    tables = _tables(path) if path.is_dir() else [path]
    streams = [table for table in tables if table.suffix == ARROW]
    if streams:
        raise InputError(
            f"{streams[0]}: this Arrow file is part of a cache; load the dataset with the package `datasets`, and give "
            "the folder that its save_to_disk writes"
        )
    return _shards(path, tables)


def _saved(folder: Path, split: str) -> Part:
    """The files of one folder that `save_to_disk` wrote."""
    state = folder / _STATE
    parts = read_description(state, "_data_files", list)
    if "_indices_data_files" in state.read_text(encoding="utf-8") and read_description(
        state, "_indices_data_files", object
    ):
        raise InputError(
            f"{state}: an old version of `datasets` stored a selection of rows here; load the dataset with it, call "
            "flatten_indices(), and save it again"
        )
    names = [str(part.get("filename")) if isinstance(part, dict) else str(part) for part in parts]
    columns = read_description(folder / _INFO, "features", dict)
    return Part(split, [folder / Path(name).name for name in names], columns)


def _tables(path: Path) -> list[Path]:
    """Parquet and Arrow files in a folder, up to two folders down, without those in hidden folders."""
    found = (file for depth in _DEPTHS for suffix in (PARQUET, ARROW) for file in path.glob(depth + suffix))
    return sorted(file for file in found if not any(name.startswith(".") for name in file.relative_to(path).parts))


def _shards(path: Path, tables: Sequence[Path]) -> list[Part]:
    """The splits of Parquet files: the name of a folder, or the start of the file's, as in train-00000-of-00002."""
    by_split: dict[str, list[Path]] = {}
    subsets = set()
    for table in tables:
        inside = table.relative_to(path).parts if path.is_dir() else ()
        words = [*inside[:-1], re.split(r"[-_.]", table.name)[0]]
        named = [word for word in words if word.lower() in SPLIT_NAMES]
        by_split.setdefault(named[-1] if named and path.is_dir() else "", []).append(table)
        subsets.add("/".join(word for word in inside[:-1] if word not in named))
    if len(subsets) > 1:
        raise InputError(f"{path}: it holds several datasets ({', '.join(sorted(subsets))}); give the folder of one")
    if "" in by_split and len(by_split) > 1:
        raise InputError(
            f"{by_split[''][0]}: the split of this file is unknown; its name must start with train, validation or test"
        )
    return [Part(split, shards, _described(shards)) for split, shards in by_split.items()]


def _described(shards: Sequence[Path]) -> dict[str, Any]:
    """Descriptions of the columns of Parquet files; of files by other programs, only images are known by their type."""
    types, features = read_columns(shards[0])
    for shard in shards[1:]:
        if read_columns(shard) != (types, features):
            raise InputError(
                f"{shard}: its columns differ from those of {shards[0].name}; save all with the same columns"
            )
    if features is not None:
        return features
    return {
        name: {"_type": "Image" if str(kind).startswith("struct<bytes: binary") else "Value"}
        for name, kind in types.items()
    }


def _inner(column: Any) -> Any:
    """The description of a column's values; for lists, of the values in them. Old versions write a list as [...]."""
    while True:
        if isinstance(column, list) and len(column) == 1:
            column = column[0]
        elif isinstance(column, dict) and column.get("_type") in _LIST:
            column = column.get("feature")
        else:
            return column if isinstance(column, dict) else {}


def _names(column: Any) -> list[str] | None:
    """The names of the classes, if the column is of type ClassLabel and has names."""
    inner = _inner(column)
    return inner.get("names") if inner.get("_type") == "ClassLabel" else None


def _candidates(part: Part, kind: str, spellings: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Columns of a type, and columns with another usual name."""
    plain = {name: re.sub(r"[\s_-]+", "", name).lower() for name in part.columns}
    return (
        [name for name, column in part.columns.items() if _inner(column).get("_type") == kind],
        [name for name in part.columns if plain[name] in spellings],
    )


def _column(path: Path, part: Part, wanted: str, typed: Sequence[str], spelt: Sequence[str]) -> str:
    """The column with the documented name, else the only one of the right type, else the only one of a usual name."""
    if wanted in (typed if wanted == "image" else part.columns):
        return wanted
    found = typed or spelt
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{path}: several columns may be the {wanted}s: {', '.join(found)}; rename the right one to '{wanted}' "
            "(rename_column), and save the dataset again"
        )
    raise InputError(
        f"{path}: no column of {wanted}s; it has {', '.join(part.columns) or 'none'}; rename the right one to "
        f"'{wanted}' (rename_column), and save the dataset again"
    )


def _outside(path: Path, parts: Sequence[Part], image: str) -> Iterator[tuple[int, Path | None]]:
    """Row and file of each image that lies outside its Arrow table.

    Parquet files would have to be read whole; an image that is missing in one is found when it is prepared.
    """
    tables = [file for part in parts for file in part.files]
    if all(file.suffix == ARROW for file in tables):
        for row, name in read_outside(tables, image):
            yield row, path / name if name else None  # an absolute path stays absolute


def _check_outside(path: Path, parts: Sequence[Part], image: str, ids: Sequence[str]) -> None:
    """Raise InputError for images whose file is missing; a null image is one of the broken ones."""
    lost = [(row, file) for row, file in _outside(path, parts, image) if file is not None and not file.is_file()]
    if lost:
        row, file = lost[0]
        raise InputError(
            f"{path}: {len(lost)} of {len(ids)} images are not in the dataset, first image {ids[row]}"
            f"{f' ({file})' if file else ''}; save the dataset again with its images embedded"
        )


def _content(cell: Any, path: Path, row: str) -> bytes:
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if content is None and not (isinstance(cell, dict) and cell.get("path")):
        return b""  # one of the broken images, which are counted when they are decoded
    if content is None and isinstance(cell, dict) and cell.get("path"):
        file = path / cell["path"]  # an absolute path stays absolute
        if file.is_file():
            content = file.read_bytes()
    if not isinstance(content, bytes):
        raise InputError(f"{path}: image {row} is not in the dataset; save the dataset again with its images embedded")
    return content
