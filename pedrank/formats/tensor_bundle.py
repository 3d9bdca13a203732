"""TensorFlow's checkpoint format ("tensor bundle") without TensorFlow: MODEL.index and MODEL.data-00000-of-00001.

The index is a LevelDB table: blocks of sorted keys, each key sharing a prefix with the one before, and an index block
whose values say where the blocks lie. Its values are protocol buffers that say where in the data file a tensor lies
(tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/format.cc, tensorflow/core/protobuf/tensor_bundle.proto).
Nothing of it can run code.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pedrank.utils.errors import InputError

_MAGIC = 0xDB4775248B80FB57
_LONGEST_KEY = 4096
_FOOTER = 48  # two block handles, padding, the magic number
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # of types.proto; checkpoints of networks need no others


def read_bundle(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Tensors by name, read-only views of `data`; tensors of other types than float and integer are left out.

    Raises InputError for content that is not a bundle of one data file, or is cut short.
    """
    try:
        return dict(_tensors(index, memoryview(data)))
    except (IndexError, ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("not a TensorFlow checkpoint, or cut short") from None


def _tensors(index: bytes, data: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    if len(index) < _FOOTER or int.from_bytes(index[-8:], "little") != _MAGIC:
        raise InputError("not a TensorFlow checkpoint: the index ends without its magic number")
    position = len(index) - _FOOTER
    for _ in range(2):  # the handle of the metaindex block, which is empty
        _, position = _varint(index, position)
    left = len(index)  # blocks do not overlap in an honest file; in another they could go on for ever
    for _, handle in _entries(index, *_handle(index, position)):
        block = _handle(handle, 0)
        left -= block[1]
        if left < 0:
            raise ValueError("blocks that overlap")
        for key, value in _entries(index, *block):
            fields = _message(value)
            if not key:  # the header: number of data files, byte order
                if fields.get(1, 1) != 1 or fields.get(2, 0) != 0:
                    raise InputError("a TensorFlow checkpoint of several data files, or big-endian, cannot be read")
                continue
            if fields[1] not in _DTYPES:
                continue
            shape = [_message(size).get(1, 0) for size in _repeated(fields.get(2, b""), 2)]
            offset, size = fields.get(4, 0), fields.get(5, 0)
            content = data[offset : offset + size]
            if len(content) != size:
                raise InputError(f"the TensorFlow checkpoint is cut short: {key.decode()} is missing")
            yield key.decode(), np.frombuffer(content, _DTYPES[fields[1]]).reshape(shape)


def _handle(content: bytes, position: int) -> tuple[int, int]:
    """Offset and size of a block."""
    offset, position = _varint(content, position)
    size, _ = _varint(content, position)
    return offset, size


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; behind it stand its compression and a checksum."""
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
    """Numbers and values of a protocol buffer's fields; fixed-width ones as bytes."""
    position = 0
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
    """A protocol buffer's fields by number; of a repeated one the last."""
    return dict(_fields(message))


def _repeated(message: bytes, number: int) -> list[bytes]:
    return [value for field, value in _fields(message) if field == number]


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and the position behind it."""
    value = shift = 0
    while shift < 64:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number without end")
