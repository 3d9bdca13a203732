"""Safetensors files of a user or of other programs, in every type of number that NumPy can hold as it is or as float32.

The artefacts of this package are read by `pedrank.store.artefacts`, which also checks where they belong.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.formats.small_floats import BITS, float32_of
from pedrank.utils.errors import InputError

_TYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "C64": "<c8", "BOOL": "?"},
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1"},
    **{"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1"},
    **{name: BITS[name] for name in ("BF16", "F8_E4M3", "F8_E5M2")},
}
_LARGEST_HEADER = 100_000_000  # bytes, as in the safetensors library
_REMEDY = "use a complete copy of it, or save the tensors again with safetensors"


def read_safetensors(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Read arrays of a safetensors file.

    Args:
        path: The file.
        *names: The arrays to read; by default all of them.

    Returns:
        Arrays by name, mapped into memory and read-only where NumPy has their type; bfloat16 and float8 as float32.

    Raises:
        InputError: The file is missing, cut short or not safetensors, lacks one of `names`, has a type of number that
            NumPy cannot hold.
    """
    header, start = _header(path)
    missing = [name for name in names if name not in header]
    if missing:
        raise InputError(
            f"{path}: no array '{missing[0]}' in this file (it has {', '.join(sorted(header)[:20]) or 'none'}); add it"
        )
    return {name: _array(path, name, header[name], start) for name in names or sorted(header)}


def _array(path: Path, name: str, entry: dict[str, Any], start: int) -> np.ndarray:
    kind, shape = entry["dtype"], tuple(entry["shape"])
    if kind not in _TYPES:
        raise InputError(f"{path}: '{name}' has the type {kind}, which pedrank does not read; save it as float32")
    dtype = np.dtype(_TYPES[kind])
    if not math.prod(shape):
        bits: np.ndarray = np.empty(shape, dtype)
    else:
        bits = np.memmap(path, dtype, "r", start + entry["data_offsets"][0], shape)
    return float32_of(bits, kind) if kind in BITS else bits


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The checked header without its metadata, and the byte at which the data begin."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > _LARGEST_HEADER:
                raise InputError(f"{path}: not a safetensors file; {_REMEDY}")
            if length > size - 8:
                raise InputError(f"{path}: cut short: its header alone has {length} bytes of {size}; {_REMEDY}")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        end = max((_end(entry) for entry in header.values()), default=0)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; correct the path") from None
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: not a safetensors file, or its header is damaged; {_REMEDY}") from None
    if 8 + length + end != size:
        wrong = "cut short" if size < 8 + length + end else "too long"
        raise InputError(f"{path}: {wrong}: {size} bytes, and its header states {8 + length + end}; {_REMEDY}")
    return header, 8 + length


def _end(entry: dict[str, Any]) -> int:
    """The last byte of an array; ValueError if its entry contradicts itself."""
    (begin, end), shape = entry["data_offsets"], entry["shape"]
    if not all(type(number) is int and 0 <= number < 2**48 for number in (begin, end, *shape)) or len(shape) > 32:
        raise ValueError(shape)
    if entry["dtype"] in _TYPES and end - begin != math.prod(shape) * np.dtype(_TYPES[entry["dtype"]]).itemsize:
        raise ValueError(entry)
    return end
