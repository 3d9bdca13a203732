"""MATLAB's .mat files of version 5, in which some datasets keep their lists, read by SciPy.

SciPy trusts the types and sizes that a file states, and a wrong one ends in a segmentation fault. So every element is
checked before SciPy reads the file. An element is a kind, a size and that many bytes, padded to a multiple of eight.
A short element is packed into eight bytes. Arrays contain elements, and an element may be compressed.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

_LARGEST = 2**26  # bytes unpacked; the largest file of any dataset here has about 5 MB
_DEEPEST = 20
_HEADER, _TAG = 128, 8
_NUMBERS = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}  # kinds that are integers, floats or text
_ARRAY, _COMPRESSED = 14, 15


def read_matlab(content: bytes) -> dict[str, Any]:
    """Read the arrays of a .mat file, by name.

    Args:
        content: The file's bytes.

    Raises:
        ValueError: The file is broken, of another version, or unpacks to more than 64 MiB.
    """
    from scipy.io import loadmat

    if not content.startswith(b"MATLAB 5.0") or content[126:128] != b"IM":
        raise ValueError("not a little-endian .mat file of version 5")
    try:
        _check(content)
        return loadmat(io.BytesIO(content), squeeze_me=True)
    except Exception as error:  # a broken file can raise anything
        raise ValueError(f"not a whole .mat file: {error}") from None


def _check(content: bytes) -> None:
    left = _LARGEST
    for kind, element in _elements(memoryview(content)[_HEADER:]):
        if kind == _COMPRESSED:
            unpacked = zlib.decompressobj().decompress(element, left)
            left -= len(unpacked)
            if left <= 0:
                raise ValueError(f"it unpacks to over {_LARGEST} bytes")
            _check_array(memoryview(unpacked), 0)
        else:
            _check_kind(kind, element, 0)


def _check_array(content: memoryview, depth: int) -> None:
    for kind, element in _elements(content):
        _check_kind(kind, element, depth)


def _check_kind(kind: int, element: memoryview, depth: int) -> None:
    if kind == _ARRAY and depth < _DEEPEST:
        _check_array(element, depth + 1)
    elif kind not in _NUMBERS:
        raise ValueError(f"an element of kind {kind}")


def _elements(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Kind and bytes of each element."""
    position = 0
    while position + _TAG <= len(content):
        kind, size = struct.unpack_from("<II", content, position)
        start = position + _TAG
        if kind >> 16:  # a short element: kind and size in 16 bits each, then four bytes
            kind, size, start = kind & 0xFFFF, kind >> 16, position + 4
        if start + size > (position + _TAG if start == position + 4 else len(content)):
            raise ValueError("an element is longer than its container")
        yield kind, content[start : start + size]
        position = start + size if kind == _COMPRESSED else start + size + (-(start + size) % 8)
