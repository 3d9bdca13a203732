"""The files of a Hugging Face dataset on disk: tables in Arrow or Parquet, and JSON that describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pedrank.utils.errors import InputError, reason

ARROW, PARQUET = ".arrow", ".parquet"

_BATCH = 64  # rows of a Parquet file in memory at a time; an image has up to some megabytes


def read_cells(files: Sequence[Path], column: str) -> Iterator[Any]:
    """Read a column of some files, one cell at a time: a column of images may be larger than the memory.

    Args:
        files: Arrow streams or Parquet files, in the order of the rows.
        column: Name of the column.

    Raises:
        InputError: pyarrow is not installed, or a file is missing, broken or without the column.
    """
    for file in files:
        for batch in _batches(file, column):
            for cell in batch:
                yield cell.as_py()


def read_outside(files: Sequence[Path], column: str) -> Iterator[tuple[int, str | None]]:
    """Read where the images lie that Arrow files do not hold themselves; the images in the files are not read.

    Args:
        files: Arrow streams, in the order of the rows.
        column: Name of the column of images.

    Returns:
        Row and path of each such image; the path is None where it is missing, too.

    Raises:
        InputError: As `read_cells`.
    """
    start = 0
    for file in files:
        for batch in _batches(file, column):
            held = batch.is_valid().to_pylist()
            if hasattr(batch.type, "get_field_index") and batch.type.get_field_index("bytes") >= 0:
                inner = batch.field("bytes").is_valid().to_pylist()
                held = [both and whole for both, whole in zip(held, inner, strict=True)]
            for row in (row for row, whole in enumerate(held) if not whole):
                cell = batch[row].as_py()
                yield start + row, cell.get("path") if isinstance(cell, dict) else None
            start += len(batch)


def read_columns(file: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Read the types of a file's columns.

    Args:
        file: An Arrow stream or a Parquet file.

    Returns:
        pyarrow's type of each column by name, and the `features` by which Hugging Face's library describes the columns;
        None where it did not write the file.

    Raises:
        InputError: pyarrow is not installed, or the file is missing or broken.
    """
    with _reading(file) as pa:
        if file.suffix == PARQUET:
            import pyarrow.parquet as pq

            schema = pq.read_schema(file)
        else:
            schema = pa.ipc.open_stream(pa.memory_map(str(file))).schema
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        features = None
    types = {field.name: field.type for field in schema}
    return types, features if isinstance(features, dict) else None


def read_description(path: Path, field: str, kind: type) -> Any:
    """Read a field of one of the JSON files that describe the dataset.

    Args:
        path: The file.
        field: Name of the field.
        kind: The type that its value must have.

    Raises:
        InputError: The file is missing or not JSON, or the field is missing or of another type.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))[field]
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path}: missing or not JSON; save the dataset again with save_to_disk") from None
    except (KeyError, TypeError):
        found = None
    if not isinstance(found, kind):
        raise InputError(f"{path}: no field '{field}' of this form; save the dataset again with save_to_disk")
    return found


def _batches(file: Path, column: str) -> Iterator[Any]:
    """Arrays of the column's cells."""
    with _reading(file) as pa:
        if file.suffix == PARQUET:
            import pyarrow.parquet as pq

            batches = pq.ParquetFile(file).iter_batches(batch_size=_BATCH, columns=[column])
        else:
            batches = pa.ipc.open_stream(pa.memory_map(str(file)))
        for batch in batches:
            if column not in batch.schema.names:
                raise InputError(f"{file}: no column '{column}' (it has {', '.join(batch.schema.names) or 'none'})")
            yield batch.column(column)


@contextmanager
def _reading(file: Path) -> Iterator[Any]:
    """Import pyarrow, and turn its exceptions into an InputError about the file."""
    try:
        import pyarrow
    except ImportError:
        raise InputError(
            f"{file.parent}: a Hugging Face dataset needs pyarrow; run pip install 'pedrank[hf]'"
        ) from None
    try:
        yield pyarrow
    except (OSError, pyarrow.ArrowException) as error:
        form = "a Parquet file" if file.suffix == PARQUET else "an Arrow stream"
        raise InputError(
            f"{file}: missing, or not {form} ({reason(error)}); save the dataset again with "
            f"{'to_parquet' if file.suffix == PARQUET else 'save_to_disk'}"
        ) from None
