"""Reading and writing artefacts: atomic, without pickle, and saying what made them.

Arrays are safetensors, tables CSV, everything else JSON. A file is written under a fixed temporary name beside its
final one and renamed, so a final name never holds half a file; a run that follows a killed one overwrites the leftover.
What is written is sealed by its hash, and the seal is checked when it is read (`pedrank.store.integrity`).
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
_REMEDY = integrity.REMEDY


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on any exception."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as Matplotlib choose the format by it.
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def sealed(path: str | os.PathLike) -> Iterator[Path]:
    """As `atomic`, for a file that holds no seal itself: below `results/` its seal is put beside it."""
    with atomic(path) as temporary:
        yield temporary
        integrity.seal_beside(Path(path), temporary)


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write arrays of any shape as safetensors; `metadata` (JSON-able) is kept in the file's header.

    The same arrays and metadata give the same bytes.
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
    """Whether `map_arrays` would take up the file at `path`: its header is the same, and it is not sealed."""
    encoded, _, size = _encode(path, arrays, metadata)
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size == size and file.read(len(encoded)) == encoded
    except FileNotFoundError:
        return False


def map_arrays(
    path: str | os.PathLike, arrays: Mapping[str, tuple[np.dtype, tuple[int, ...]]], metadata: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Arrays of a safetensors file as writable memory maps, so that they can be filled without being held in memory.

    All are zero in a new file; one that has the same header already is taken up as it is. The caller seals it when it
    is whole (`integrity.seal_arrays`), and gives it its final name.
    """
    path = Path(path)
    encoded, offsets, size = _encode(path, arrays, metadata)
    if not is_begun(path, arrays, metadata):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(encoded)
            file.flush()
            # Space is taken now, where its lack is an error: a process that writes to a map on a full disk is killed.
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
    """The header of a safetensors file, the offset of each array behind it in the order of the file, and its size."""
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
    """Arrays of a safetensors file, memory-mapped and read-only; all of them unless `names` are given.

    Raises InputError when the file is missing, truncated, not safetensors, not what was sealed, or lacks one of
    `names`. Without `whole` only the header is read, and not the whole file to check it.
    """
    header, start = _header(path)
    if whole:
        integrity.check_arrays(path)
    header.pop("__metadata__", None)
    missing = [name for name in names if name not in header]
    if missing:
        raise InputError(
            f"{path}: no array '{missing[0]}' in this file (it has {', '.join(sorted(header))}); remake it"
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
    """The metadata that `write_arrays` stored; empty for a safetensors file of another origin."""
    header, _ = _header(path)
    try:
        metadata = json.loads(header.get("__metadata__", {}).get("pedrank", "{}"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: the header's metadata are broken; {_REMEDY}")
    return metadata


def described(path: str | os.PathLike, *fields: str) -> dict[str, Any]:
    """The metadata of a file; InputError when one of `fields` is missing."""
    metadata = read_metadata(path)
    missing = [field for field in fields if field not in metadata]
    if missing:
        raise InputError(f"{path}: the header names no {missing[0]}; {_REMEDY}")
    return metadata


def _header(path: str | os.PathLike) -> tuple[dict[str, Any], int]:
    """The checked header of a safetensors file and the byte at which its data begin."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LARGEST_HEADER):
                raise InputError(f"{path}: not a safetensors file, or truncated; {_REMEDY}")
            header = json.loads(file.read(length))
        spans = [(*entry["data_offsets"], entry) for name, entry in header.items() if name != "__metadata__"]
        for begin, end, entry in spans:
            shape, width = entry["shape"], np.dtype(_DTYPES[entry["dtype"]]).itemsize
            whole = all(type(number) is int and 0 <= number < 2**48 for number in (begin, end, *shape))
            if not whole or len(shape) > 32 or end - begin != math.prod(shape) * width:
                raise InputError(f"{path}: the header contradicts itself; {_REMEDY}")
        if 8 + length + max((end for _, end, _ in spans), default=0) != size:
            raise InputError(f"{path}: truncated or overlong ({size} bytes); {_REMEDY}")
        integrity.check_place(path, header.get("__metadata__", {}).get("seal", ""))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the rule that makes it") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a safetensors file this package can read; {_REMEDY}") from None
    return header, 8 + length


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Write JSON with sorted keys; NaN and infinity are refused, since JSON has none. A mapping is sealed."""
    content = integrity.seal_record(path, data) if isinstance(data, Mapping) else data
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike) -> Any:
    """The content of a JSON file; InputError when it is missing, broken, or not what was sealed."""
    try:
        return integrity.open_record(path, json.loads(Path(path).read_text()))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the rule that makes it") from None
    except InputError:
        raise
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not valid JSON; {_REMEDY}") from None


def write_text(path: str | os.PathLike, text: str) -> None:
    with sealed(path) as temporary:
        temporary.write_text(text)


def write_csv(path: str | os.PathLike, frame: pd.DataFrame) -> None:
    """Write a table; floats with 17 digits at most, so that reading gives the same numbers back."""
    with sealed(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_csv(path: str | os.PathLike, columns: Iterable[str] = ()) -> pd.DataFrame:
    """A table; InputError when it is missing, not CSV, not what was sealed, lacks one of `columns`, or has a line with
    too many cells.
    """
    import pandas as pd

    try:
        integrity.check_beside(path)
        # "none" is a refinement's name and not a missing value: only an empty cell is missing.
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except InputError:
        raise
    except (ValueError, UnicodeDecodeError):  # pandas' parser errors are ValueErrors
        raise InputError(f"{path}: not a CSV table with a header line") from None
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells as row names, and shifts the others
        raise InputError(f"{path}: a line has more cells than the header; is there a comma within a number or a name?")
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(f"{path}: no column '{missing[0]}'; it needs {', '.join(columns)}")
    return frame


def sha256(path: str | os.PathLike) -> str:
    """Hex digest of a file's bytes; read once per process, as long as the file's size and time stay the same."""
    status = os.stat(path)
    return _sha256(os.fspath(path), status.st_size, status.st_mtime_ns)


@cache
def _sha256(path: str, size: int, modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(options: Mapping[str, Any], inputs: Iterable[str | os.PathLike] = ()) -> dict[str, Any]:
    """What made an artefact: package version, options (seeds among them), and the sha256 of each input file."""
    return {"pedrank": VERSION, "options": dict(options), "inputs": {str(path): sha256(path) for path in inputs}}
