"""Reading and writing artefacts: atomic, without pickle, with provenance.

Arrays are safetensors, tables are CSV, everything else is JSON. A file is written under a fixed temporary name beside
its final one, then renamed: a final name never holds half a file, and the run after a killed one overwrites its
temporary file. Every artefact is sealed with its hash, and the seal is checked on reading (`pedrank.store.integrity`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.store import integrity
from pedrank.utils.errors import InputError
from pedrank.utils.version import VERSION

if TYPE_CHECKING:
    import pandas as pd

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_LARGEST_HEADER = 16 * 2**20


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, and remove it on any exception.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic(Path(folder, "a.txt")) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays at the end: writers such as Matplotlib choose the format by it.
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def sealed(path: str | os.PathLike) -> Iterator[Path]:
    """As `atomic`, for a file that cannot hold a seal itself: below `results/` its seal is written beside it."""
    with atomic(path) as temporary:
        yield temporary
        integrity.seal_beside(Path(path), temporary)


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write arrays as one safetensors file. The same arrays and metadata give the same bytes.

    Args:
        path: The file; its folder is made if necessary.
        arrays: Arrays of any shape by name.
        metadata: JSON-able values for the file's header.

    Raises:
        TypeError: safetensors cannot hold an array's type.
    """
    layout = {name: (np.asarray(array).dtype, np.shape(array)) for name, array in arrays.items()}
    encoded, offsets, _ = _encode(path, layout, metadata)
    with atomic(path) as temporary:
        with open(temporary, "wb") as file:
            file.write(encoded)
            for name in offsets:
                array = np.ascontiguousarray(arrays[name])
                file.write(array.data if array.size else b"")
        integrity.seal_arrays(temporary)


def is_begun(
    path: str | os.PathLike, arrays: Mapping[str, tuple[np.dtype, tuple[int, ...]]], metadata: Mapping[str, Any]
) -> bool:
    """Whether a file has this header and is not sealed yet, so that `map_arrays` would continue it.

    Args:
        path: The file.
        arrays: Type and shape of each array.
        metadata: Metadata of the header.
    """
    encoded, _, size = _encode(path, arrays, metadata)
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size == size and file.read(len(encoded)) == encoded
    except FileNotFoundError:
        return False


def map_arrays(
    path: str | os.PathLike, arrays: Mapping[str, tuple[np.dtype, tuple[int, ...]]], metadata: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Map the arrays of a safetensors file into memory, writable, so that they can be filled piece by piece.

    A new file holds zeros; an unsealed file with the same header is continued with its content. When it is complete,
    the caller seals it (`integrity.seal_arrays`) and renames it.

    Args:
        path: The file.
        arrays: Type and shape of each array.
        metadata: JSON-able values for the file's header.

    Returns:
        The mapped arrays by name.
    """
    path = Path(path)
    encoded, offsets, size = _encode(path, arrays, metadata)
    if not is_begun(path, arrays, metadata):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(encoded)
            file.flush()
            # Reserve the space now: a full disk is an error here, but it kills a process that writes to a memory map.
            if hasattr(os, "posix_fallocate"):  # not on macOS
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
    maps = {}
    for name, offset in offsets.items():
        dtype, shape = arrays[name]
        maps[name] = (
            np.memmap(path, dtype, "r+", len(encoded) + offset, shape) if math.prod(shape) else np.empty(shape, dtype)
        )
    return maps


def _encode(
    path: str | os.PathLike, arrays: Mapping[str, tuple[np.dtype, tuple[int, ...]]], metadata: Mapping[str, Any]
) -> tuple[bytes, dict[str, int], int]:
    """Header of a safetensors file, offset of each array after the header in the file's order, and the file's size."""
    seal = f"{integrity.UNSEALED}  {integrity.place(path)}"
    header: dict[str, Any] = {"__metadata__": {"seal": seal, "pedrank": json.dumps(metadata, sort_keys=True)}}
    # Widest items first, so that every array starts at a multiple of its item size and maps aligned.
    order = sorted(arrays, key=lambda name: (-np.dtype(arrays[name][0]).itemsize, name))
    offsets, offset = {}, 0
    for name in order:
        dtype, shape = np.dtype(arrays[name][0]), arrays[name][1]
        if dtype not in _NAMES:
            raise TypeError(f"{path}: array '{name}' has dtype {dtype}, which safetensors cannot hold")
        end = offset + dtype.itemsize * math.prod(shape)
        header[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offsets[name], offset = offset, end
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)  # the format aligns the data to 8 bytes
    return len(encoded).to_bytes(8, "little") + encoded, offsets, 8 + len(encoded) + offset


def read_arrays(path: str | os.PathLike, *names: str, whole: bool = True) -> dict[str, np.ndarray]:
    """Read arrays of a safetensors file, memory-mapped and read-only.

    Args:
        path: The file.
        *names: The arrays to read; by default all of them.
        whole: Check the seal, which reads the whole file; otherwise only the header is read and checked.

    Raises:
        InputError: The file is missing, truncated, not safetensors or not as sealed, or lacks one of `names`.
    """
    header, start = _header(path)
    if whole:
        integrity.check_arrays(path)
    header.pop("__metadata__", None)
    missing = [name for name in names if name not in header]
    if missing:
        raise InputError(
            f"{path}: no array '{missing[0]}' in this file (it has {', '.join(sorted(header))}); make it again"
        )
    arrays = {}
    for name in names or sorted(header):
        dtype, shape = np.dtype(_DTYPES[header[name]["dtype"]]), tuple(header[name]["shape"])
        begin = start + header[name]["data_offsets"][0]
        if math.prod(shape) == 0:
            arrays[name] = np.empty(shape, dtype)
        else:
            arrays[name] = np.memmap(path, dtype, "r", begin, shape)
    return arrays


def read_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """Read the metadata that `write_arrays` stored; empty for a safetensors file of another origin.

    Raises:
        InputError: The header or the metadata are broken.
    """
    header, _ = _header(path)
    try:
        metadata = json.loads(header.get("__metadata__", {}).get("pedrank", "{}"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: the header has no readable metadata; {integrity.remedy()}")
    return metadata


def described(path: str | os.PathLike, *fields: str) -> dict[str, Any]:
    """Read the metadata of a file, and check that some fields are there.

    Args:
        path: A safetensors file.
        *fields: Names of the fields.

    Raises:
        InputError: As `read_metadata`; also if a field is missing.
    """
    metadata = read_metadata(path)
    missing = [field for field in fields if field not in metadata]
    if missing:
        raise InputError(f"{path}: the header has no field '{missing[0]}'; {integrity.remedy()}")
    return metadata


def _header(path: str | os.PathLike) -> tuple[dict[str, Any], int]:
    """The checked header of a safetensors file and the byte at which its data begin."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LARGEST_HEADER):
                raise InputError(f"{path}: not a safetensors file, or truncated; {integrity.remedy()}")
            header = json.loads(file.read(length))
        spans = [(*entry["data_offsets"], entry) for name, entry in header.items() if name != "__metadata__"]
        for begin, end, entry in spans:
            shape, width = entry["shape"], np.dtype(_DTYPES[entry["dtype"]]).itemsize
            whole = all(type(number) is int and 0 <= number < 2**48 for number in (begin, end, *shape))
            if not whole or len(shape) > 32 or end - begin != math.prod(shape) * width:
                raise InputError(f"{path}: the header contradicts itself; {integrity.remedy()}")
        if 8 + length + max((end for _, end, _ in spans), default=0) != size:
            raise InputError(f"{path}: truncated or too long ({size} bytes); {integrity.remedy()}")
        integrity.check_place(path, header.get("__metadata__", {}).get("seal", ""))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the workflow again to make it") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a safetensors file that pedrank can read; {integrity.remedy()}") from None
    return header, 8 + length


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Write JSON with sorted keys; a mapping is sealed.

    Args:
        path: The file.
        data: The content.

    Raises:
        ValueError: The content has NaN or infinity, which JSON cannot express.
    """
    content = integrity.seal_record(path, data) if isinstance(data, Mapping) else data
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        InputError: The file is missing, broken, or not as sealed.
    """
    try:
        return integrity.open_record(path, json.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the workflow again to make it") from None
    except InputError:
        raise
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not valid JSON; {integrity.remedy()}") from None


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a sealed text file.

    Args:
        path: The file.
        text: Its content.
    """
    with sealed(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_csv(path: str | os.PathLike, frame: pd.DataFrame) -> None:
    """Write a sealed CSV table. Floats keep all their digits, up to 17, so that reading returns the same numbers.

    Args:
        path: The file.
        frame: The table; its index is not written.
    """
    with sealed(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_csv(path: str | os.PathLike, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read a CSV table.

    Args:
        path: The file.
        columns: Columns that it must have.

    Raises:
        InputError: The file is missing, not CSV or not as sealed, lacks a column, or has a line with too many cells.
    """
    import pandas as pd

    try:
        integrity.check_beside(path)
        # Only an empty cell is a missing value: "none" is the name of a refinement.
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; correct the path, or run the workflow again") from None
    except InputError:
        raise
    except (ValueError, UnicodeDecodeError):  # pandas' parser errors are ValueErrors
        raise InputError(f"{path}: not a CSV table with a header line; save it as one") from None
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells for row names, and shifts the rest
        raise InputError(f"{path}: a line has more cells than the header; put values with a comma in quotes")
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(f"{path}: no column '{missing[0]}'; the table needs the columns {', '.join(columns)}")
    return frame


def sha256(path: str | os.PathLike) -> str:
    """Hex digest of a file's bytes, kept for the life of the process while size and modification time stay the same."""
    status = os.stat(path)
    return _sha256(os.fspath(path), status.st_size, status.st_mtime_ns)


@cache
def _sha256(path: str, size: int, modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(options: Mapping[str, Any], inputs: Iterable[str | os.PathLike] = ()) -> dict[str, Any]:
    """Describe how an artefact is made: package version, options, and the sha256 of each input file.

    Args:
        options: Options, seeds among them.
        inputs: Input files.

    >>> provenance({"seed": 0})["options"]
    {'seed': 0}
    """
    return {"pedrank": VERSION, "options": dict(options), "inputs": {str(path): sha256(path) for path in inputs}}
