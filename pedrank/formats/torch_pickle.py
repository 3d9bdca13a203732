"""Files of torch.save, read without torch: the tensors are arrays, and everything else in the file is inert.

A file may hold options, paths, NumPy numbers or an optimiser's state beside the tensors. Their classes are not
imported: a record or nothing takes the place of each object, so nothing in the file can run. Steps are counted as in
every pickle from outside. Each tensor must lie within its storage, whose size must be that of the bytes in the file.
"""

from __future__ import annotations

import math
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from pedrank.formats.pickle_file import Array, Record, Unpickler
from pedrank.formats.small_floats import BITS, float32_of

# Types of storages, as NumPy's; of bfloat16 the upper halves of float32. The values of the others are not read.
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "ComplexFloatStorage": "<c8",
    "ComplexDoubleStorage": "<c16",
    "UntypedStorage": "u1",
    "QInt8Storage": "V1",
    "QUInt8Storage": "V1",
    "QUInt4x2Storage": "V1",
    "QUInt2x4Storage": "V1",
    "QInt32Storage": "V4",
}
# Types that have no storage of their own
_UNTYPED = {"uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "float8_e4m3fn": "u1", "float8_e5m2": "u1"}
_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle in a file of torch before 1.6
_MOST_REPEATS = 2**20  # values of a tensor that repeats those of a smaller storage
_MOST_DIMENSIONS = 64  # as in torch and NumPy
_PLAIN = (str, bytes, int, float, bool, type(None))


class Tensor(Array):
    """A tensor: `value` is a view of its storage, once that is read."""


class _Storage:
    """A storage as the pickle states it; `values` are read later."""

    values: np.ndarray

    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.count = kind, count
        self.dtype = np.dtype(_STORAGES[kind])

    def read(self, file: IO[bytes], swapped: bool = False) -> None:
        """Read the values from the file's present position; `swapped` says that their bytes are in the other order."""
        content = file.read(self.count * self.dtype.itemsize)
        values = np.frombuffer(content, self.dtype.newbyteorder() if swapped else self.dtype)
        if len(values) != self.count:
            raise pickle.UnpicklingError("a storage ends early")
        values = values.astype(self.dtype, copy=False)
        self.values = float32_of(values, "bfloat16") if self.kind == "BFloat16Storage" else values


class _View:
    """Where a tensor lies in its storage, in values of the tensor's type; `kind` names a type of `_UNTYPED`."""

    def __init__(self, storage: _Storage, offset: int, size: Any, stride: Any, kind: str | None = None) -> None:
        self.storage, self.offset, self.size, self.stride, self.kind = storage, offset, size, stride, kind
        itemsize = np.dtype(_UNTYPED[kind]).itemsize if kind else 1
        if len(size) != len(stride) or len(size) > _MOST_DIMENSIONS:
            raise pickle.UnpicklingError("a tensor has no sensible shape")
        numbers = (offset, *size, *stride)
        if any(type(number) is not int or not 0 <= number < 2**62 for number in numbers):
            raise pickle.UnpicklingError("a tensor has no sensible shape")
        values = math.prod(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if values else -1
        if last >= storage.count // itemsize:
            raise pickle.UnpicklingError("a tensor is larger than its storage")
        if values > max(storage.count, _MOST_REPEATS):
            raise pickle.UnpicklingError("a tensor repeats its values over and over")

    def array(self) -> np.ndarray:
        values = self.storage.values
        if self.kind:
            itemsize = np.dtype(_UNTYPED[self.kind]).itemsize
            values = values[: len(values) // itemsize * itemsize].view(_UNTYPED[self.kind])
            values = float32_of(values, self.kind) if self.kind in BITS else values
        if math.prod(self.size) == 0:
            return np.empty(self.size, values.dtype)
        steps = [step * values.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.size, steps, writeable=False)


class _TorchUnpickler(Unpickler):
    """An unpickler in which torch's functions build tensors, and all other names make records.

    `storages` are those that the pickle names, by key; `views` are the tensors, whose values are still to be read.
    """

    opcodes = f"{Unpickler.opcodes} EMPTY_SET ADDITEMS FROZENSET NEWOBJ_EX LONG4 POP_MARK"

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(file, size)
        self.storages: dict[str, _Storage] = {}
        self.views: list[tuple[Tensor, _View]] = []
        self.functions: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): self._mapping,
            ("collections", "Counter"): self._mapping,
            ("collections", "defaultdict"): self._default_mapping,
            ("torch._utils", "_rebuild_tensor"): self._tensor,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_tensor_v3"): self._tensor_of_type,
            ("torch._utils", "_rebuild_parameter"): self._parameter,
            ("torch._utils", "_rebuild_parameter_with_state"): self._parameter,
            ("torch._tensor", "_rebuild_from_type_v2"): self._subclass,
        }

    def more_steps(self) -> dict[str, Callable[[Any], None]]:
        """Functions of opcodes that differ from the base class's: sets and states of objects are left out."""
        own = type(self)
        return {
            "BUILD": own.drop,
            "EMPTY_SET": own.no_set,
            "ADDITEMS": own.drop_items,
            "FROZENSET": own.frozen_set,
            "NEWOBJ_EX": own.object_with_names,
        }

    def drop(self) -> None:
        """Leave out the state of an object (the opcode BUILD)."""
        self.stack.pop()

    def no_set(self) -> None:
        """Put a record in the place of a set (the opcode EMPTY_SET): hashing its members could run for ever."""
        self.append(Record())

    def drop_items(self) -> None:
        """Leave out the members of a set (the opcode ADDITEMS)."""
        self.pop_mark()

    def frozen_set(self) -> None:
        """Put a record in the place of a set (the opcode FROZENSET)."""
        self.pop_mark()
        self.append(Record())

    def object_with_names(self) -> None:
        """Put a record in the place of an object (the opcode NEWOBJ_EX)."""
        del self.stack[-3:]
        self.append(Record())

    def find_class(self, module: str, name: str) -> Any:
        """Return a function that builds tensors or mappings, the name of a type of torch's, or the class of records."""
        if module in ("torch", "torch.cuda", "torch.storage") and name in (*_STORAGES, *_UNTYPED):
            return name
        return self.functions.get((module, name), Record)

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """Build a tensor or a mapping; a call of anything else is a record of its arguments."""
        known = any(function == own for own in self.functions.values())
        return function(*arguments) if known else Record(*arguments)

    def fill(self, items: list[Any]) -> None:
        """Put items into a mapping. Keys that are neither plain values nor tuples of these name no tensor."""
        mapping = self.stack[-1]
        if type(mapping) is dict:
            mapping.update(_hashable(zip(items[::2], items[1::2], strict=True)))

    def persistent_load(self, identifier: Any) -> Any:
        """Return the storage that the pickle names; classes of networks are records."""
        if type(identifier) is not tuple or identifier[:1] != ("storage",):
            return Record()
        kind, key, _, count = identifier[1:5]
        if type(kind) is not str or kind not in _STORAGES or type(key) is not str or type(count) is not int:
            raise pickle.UnpicklingError("it names an object kept elsewhere")
        if any(part is not None for part in identifier[5:]):
            raise pickle.UnpicklingError("a storage is a part of another one")
        if not 0 <= count < 2**62:
            raise pickle.UnpicklingError("a storage has no sensible size")
        storage = self.storages.setdefault(key, _Storage(kind, count))
        if (storage.kind, storage.count) != (kind, count):
            raise pickle.UnpicklingError(f"its storage {key} has two sizes")
        return storage

    def _mapping(self, items: Any = ()) -> dict[Any, Any]:
        self.spend(items)
        pairs = items.items() if type(items) is dict else items
        return dict(_hashable(pair for pair in pairs if isinstance(pair, (list, tuple)) and len(pair) == 2))

    def _default_mapping(self, factory: Any = None, items: Any = ()) -> dict[Any, Any]:
        return self._mapping(items)

    def _tensor(self, storage: Any, offset: Any = 0, size: Any = (), stride: Any = (), *rest: Any) -> Any:
        flags = rest[2] if len(rest) > 2 else None  # set for complex numbers that are yet to be conjugated
        if not isinstance(storage, _Storage) or storage.dtype.kind == "V" or flags:
            return Record()
        return self._viewed(_View(storage, offset, size, stride))

    def _tensor_of_type(self, storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Any:
        kind = rest[2] if len(rest) > 2 and type(rest[2]) is str else ""
        if not isinstance(storage, _Storage) or storage.kind != "UntypedStorage" or kind not in _UNTYPED:
            return Record()
        return self._viewed(_View(storage, offset, size, stride, kind))

    def _viewed(self, view: _View) -> Tensor:
        tensor = Tensor()
        self.views.append((tensor, view))
        return tensor

    def _parameter(self, data: Any, *rest: Any) -> Any:
        return data

    def _subclass(self, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
        self.spend(arguments)
        return self.call(function, tuple(arguments))

    def finish(self) -> None:
        """Give every tensor its values, after the storages are read."""
        for tensor, view in self.views:
            tensor.value = view.array()


def _hashable(pairs: Any) -> list[tuple[Any, Any]]:
    """The pairs whose keys are plain values, or tuples of these: hashing nested tuples can take practically forever."""

    def plain(key: Any) -> bool:
        return type(key) in _PLAIN or (type(key) is tuple and all(type(part) in _PLAIN for part in key))

    return [(key, value) for key, value in pairs if plain(key)]


def load_torch(path: Path) -> Any:
    """Read a file of torch.save.

    Args:
        path: The file, in the form of torch since 1.6 (a zip archive) or before.

    Returns:
        Its content, with `Tensor` for tensors and `Record` for other objects.

    Raises:
        pickle.UnpicklingError: The file is none of torch's, or contradicts itself.
        Exception: Errors of the zip library and others, for a broken file.

    >>> import tempfile, torch
    >>> path = Path(tempfile.mkdtemp(), "a.pth")
    >>> torch.save({"weight": torch.ones(2), "folder": path}, path)
    >>> content = load_torch(path)
    >>> content["weight"].value, type(content["folder"]).__name__
    (array([1., 1.], dtype=float32), 'Record')
    """
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _load_zip(archive, size)
    with open(path, "rb") as file:
        return _load_legacy(file, size)


def _load_zip(archive: zipfile.ZipFile, size: int) -> Any:
    members = {member.filename: member for member in archive.infolist()}
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members.values())
    if packed or sum(member.file_size for member in members.values()) > size:
        raise pickle.UnpicklingError("its members are compressed, or overlap")
    name = next((name for name in members if name.endswith("/data.pkl")), None)
    if name is None:
        raise pickle.UnpicklingError("no data.pkl in it")
    folder = name.removesuffix("data.pkl")
    big = f"{folder}byteorder" in members and archive.read(f"{folder}byteorder") == b"big"
    with archive.open(name) as file:
        unpickler = _TorchUnpickler(file, members[name].file_size)
        content = unpickler.load()
    for key, storage in unpickler.storages.items():
        member = members.get(f"{folder}data/{key}")
        if member is None or member.file_size != storage.count * storage.dtype.itemsize:
            raise pickle.UnpicklingError(f"its storage {key} has another size than stated")
        with archive.open(member) as file:
            storage.read(file, swapped=big)
    unpickler.finish()
    return content


def _load_legacy(file: IO[bytes], size: int) -> Any:
    """Read a magic number, the protocol, facts about the system, the content, keys of storages, and the storages."""
    if _TorchUnpickler(file, size).load() != _MAGIC:
        raise pickle.UnpicklingError("it lacks torch's magic number")
    for _ in ("protocol", "system"):
        _TorchUnpickler(file, size).load()
    unpickler = _TorchUnpickler(file, size)
    content = unpickler.load()
    keys = _TorchUnpickler(file, size).load()
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise pickle.UnpicklingError("it names no storages")
    if sorted(keys) != sorted(unpickler.storages):
        raise pickle.UnpicklingError("its storages are not those of its tensors")
    for key in keys:
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.count:
            raise pickle.UnpicklingError(f"its storage {key} has another size than stated")
        if count * storage.dtype.itemsize > size - file.tell():
            raise pickle.UnpicklingError("a storage ends early")
        storage.read(file)
    unpickler.finish()
    return content
