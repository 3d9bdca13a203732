"""TensorFlow's checkpoint format as its own writer has it, but for the checksums, which are left zero."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}
_RESTART = 16  # keys between two that are written out in full
_BLOCK = 4096


def varint(value: int) -> bytes:
    groups = b""
    while value > 0x7F:
        groups += bytes([value & 0x7F | 0x80])
        value >>= 7
    return groups + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer; zero is its default and left out."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value) if value else b""


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    content, restarts, before = b"", [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % _RESTART == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    numbers = restarts or [0]
    return content + b"".join(number.to_bytes(4, "little") for number in [*numbers, len(numbers)])


def write_bundle(variables: Mapping[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Contents of the index and of the data file."""
    entries, data = [(b"", field(1, 1) + field(3, field(1, 1)))], b""
    pieces, offset = [], 0
    for name in sorted(variables):
        array = np.asarray(variables[name])
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        where = field(4, offset) + field(5, array.nbytes) + varint(6 << 3 | 5) + bytes(4)
        entries.append((name.encode(), field(1, _TYPES[array.dtype.name]) + field(2, shape) + where))
        pieces.append(array.tobytes())
        offset += array.nbytes
    data = b"".join(pieces)

    table, handles, pending = b"", [], []
    for entry in entries:
        pending.append(entry)
        if sum(len(key) + len(value) for key, value in pending) > _BLOCK or entry is entries[-1]:
            handles.append((pending[-1][0], table, block(pending)))
            table += handles[-1][2] + bytes(5)
            pending = []
    index = [(last, varint(len(before)) + varint(len(content))) for last, before, content in handles]
    meta_at = len(table)
    table += block([]) + bytes(5)
    index_at = len(table)
    table += block(index) + bytes(5)
    meta, where = block([]), block(index)
    footer = varint(meta_at) + varint(len(meta)) + varint(index_at) + varint(len(where))
    return table + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little"), data
