"""TensorFlow's checkpoint format ("tensor bundle") without TensorFlow: MODEL.index and MODEL.data-00000-of-00001.

The index is a LevelDB table. Its blocks hold sorted keys, each stored as a suffix to the key before it. An index block
states where the blocks lie. The values are protocol buffers that state where in the data file a tensor lies
(tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/format.cc, tensorflow/core/protobuf/tensor_bundle.proto).
The format holds no code.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pedrank.formats.archive import is_junk, whole
from pedrank.utils.errors import InputError

_MAGIC = 0xDB4775248B80FB57
_LONGEST_KEY = 4096
_FOOTER = 48  # two block handles, padding, the magic number
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # numbers of types.proto; networks need no others
_LARGEST = 2**31  # bytes of a checkpoint with its momenta; a ResNet-50's has 0.3 GB
_LARGEST_INDEX = 2**24  # a ResNet-50's has 30 kB
_BROKEN = (IndexError, ValueError, KeyError, TypeError, OverflowError)  # an InputError is a ValueError


def bundle_in_zip(path: Path, variable: str = "base_model/conv2d/kernel") -> tuple[bytes, bytes] | None:
    """Return index and data of the TensorFlow checkpoint in a zip file; None for a file without one.

    Args:
        path: The file.
        variable: A name in the checkpoint that is wanted; by default SimCLR's first. A zip file may hold the variables
            of a saved model too. If no checkpoint has it, the first one counts.

    Raises:
        InputError: The zip file is broken, or the checkpoint has over 2 GiB.
    """
    if not zipfile.is_zipfile(path):
        return None
    with whole(path), zipfile.ZipFile(path) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist() if not is_junk(member.filename)}
        pairs = {
            name: data
            for name in sizes
            if name.endswith(".index") and (data := f"{name.removesuffix('.index')}.data-00000-of-00001") in sizes
        }
        if not pairs:
            return None
        total = sum(sizes[name] for name in pairs)
        _refuse_large(path, "the indices", total, _LARGEST_INDEX)
        chosen = next((name for name in pairs if _has(archive.read(name), variable)), next(iter(pairs)))
        _refuse_large(path, f"'{pairs[chosen]}'", sizes[pairs[chosen]], _LARGEST)
        return archive.read(chosen), archive.read(pairs[chosen])


def _refuse_large(path: Path, what: str, size: int, most: int) -> None:
    if size > most:
        raise InputError(f"{path}: refused: {what}: {size} bytes are too many for a checkpoint; download it again")


def _has(index: bytes, variable: str) -> bool:
    try:
        return any(name == variable for name, _ in _variables(index))
    except _BROKEN:
        return False


def read_bundle(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Read the tensors of a checkpoint, by name.

    Args:
        index: Content of MODEL.index.
        data: Content of MODEL.data-00000-of-00001.

    Returns:
        Read-only views of `data`. Tensors that are neither floats nor integers are left out.

    Raises:
        InputError: The content is not a bundle of one data file, or is cut short.
    """
    try:
        return dict(_tensors(index, memoryview(data)))
    except _BROKEN as error:
        if isinstance(error, InputError):
            raise
        raise InputError("not a TensorFlow checkpoint, or truncated; download it again") from None


def _tensors(index: bytes, data: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    for name, fields in _variables(index):
        if fields[1] not in _DTYPES:
            continue
        dimensions = _repeated(_bytes(fields.get(2, b"")), 2)
        shape = [_number(_message(dimension).get(1, 0)) for dimension in dimensions]
        offset, size = _number(fields.get(4, 0)), _number(fields.get(5, 0))
        content = data[offset : offset + size]
        if len(content) != size:
            raise InputError(f"the TensorFlow checkpoint is truncated: {name} is missing; download it again")
        yield name, np.frombuffer(content, _DTYPES[fields[1]]).reshape(shape)


def _variables(index: bytes) -> Iterator[tuple[str, dict[int, int | bytes]]]:
    """Name and protocol buffer of each variable."""
    if len(index) < _FOOTER or int.from_bytes(index[-8:], "little") != _MAGIC:
        raise InputError("not a TensorFlow checkpoint: the index ends without its magic number; download it again")
    position = len(index) - _FOOTER
    for _ in range(2):  # skip the handle of the metaindex block, which is empty
        _, position = _varint(index, position)
    left = len(index)  # blocks of an honest file do not overlap; overlapping ones could go on for ever
    for _, handle in _entries(index, *_handle(index, position)):
        block = _handle(handle, 0)
        left -= block[1]
        if left < 0:
            raise ValueError("blocks that overlap")
        for key, value in _entries(index, *block):
            fields = _message(value)
            if key:
                yield key.decode(), fields
            elif fields.get(1, 1) != 1 or fields.get(2, 0) != 0:  # the header: number of data files, byte order
                raise InputError(
                    "the TensorFlow checkpoint has several data files or is big-endian; save it as one "
                    "little-endian file"
                )


def _handle(content: bytes, position: int) -> tuple[int, int]:
    """Offset and size of a block."""
    offset, position = _varint(content, position)
    size, _ = _varint(content, position)
    return offset, size


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block, which its compression and a checksum follow."""
    block, compression = table[offset : offset + size], table[offset + size]
    if compression != 0:
        raise InputError("the index of the TensorFlow checkpoint is compressed; save it again with TensorFlow >= 1.2")
    restarts = int.from_bytes(block[-4:], "little")
    end, position, key = size - 4 * (restarts + 1), 0, b""
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        if len(key) > _LONGEST_KEY:
            raise ValueError("a name that is too long")
        position += unshared
        yield key, block[position : position + length]
        position += length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protocol buffer; fixed-width values are bytes."""
    position = 0
    value: int | bytes
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(message, position)
        else:
            length = {1: 8, 5: 4}.get(kind)
            if length is None:
                if kind != 2:
                    raise ValueError("unknown wire type")
                length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        yield tag >> 3, value


def _message(message: bytes) -> dict[int, int | bytes]:
    """A protocol buffer's fields by number; of a repeated field the last one counts."""
    return dict(_fields(message))


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes in place of a number")
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in place of bytes")
    return value


def _repeated(message: bytes, number: int) -> list[bytes]:
    """All values of a repeated field."""
    return [_bytes(value) for field, value in _fields(message) if field == number]


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest group first, and the position after it."""
    value = shift = 0
    while shift < 64:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number without end")
