"""Reading a pickle from outside without running anything in it.

A pickle names functions and classes, and unpickling calls them: that is how a malicious one does its harm. Here a name
is looked up in a short list, and any other is refused. What stands in the list is this module's own: arrays made of
plain bytes, and inert records that only keep what they were given. Neither can it take all memory or all time: what it
may do is counted.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from pedrank.utils.errors import InputError


class Record(list):
    """What stands in the place of a class that is not imported: the arguments of its construction, in order."""

    def __new__(cls, *arguments: Any) -> Record:  # some pickles call no __init__
        record = super().__new__(cls)
        record.extend(arguments)
        return record

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.append(state)


class DType:
    """A type of numbers in place of NumPy's; an array of objects would let a pickle point anywhere."""

    def __init__(self, code: str, *flags: Any) -> None:
        self.numpy = np.dtype(str(code)[:9])
        if self.numpy.kind not in "biuf":
            raise pickle.UnpicklingError(f"an array of type {code}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.numpy = self.numpy.newbyteorder(state[1])


class Array:
    """An array in the making: its state is nothing but shape, type, order and bytes."""

    value: np.ndarray

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        content = content.encode("latin1") if isinstance(content, str) else content  # Python 2's strings are bytes
        self.value = np.frombuffer(content, dtype.numpy).reshape(shape, order="F" if fortran else "C")


def _encode(text: str, encoding: str) -> bytes:
    """`_codecs.encode`, by which protocol 2 writes bytes; only the encoding it uses."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding}")
    return text.encode("latin1")


def _named_tuple(*arguments: Any) -> type[Record]:
    """dill's way to bring a named tuple's class along."""
    return Record


def _filled_array(start: Any, arguments: Any, state: tuple[Any, ...], *rest: Any) -> Array:
    """dill's way to write an array: start and state in one call."""
    array = Array()
    array.__setstate__(state)
    return array


_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")  # before and since NumPy 2
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): Record,
    ("numpy", "dtype"): DType,
    ("_codecs", "encode"): _encode,
    ("dill._dill", "_create_namedtuple"): _named_tuple,
    ("dill._dill", "_create_array"): _filled_array,
    **{(module, "_reconstruct"): Array for module in _NUMPY},
    **{(module, "scalar"): Record for module in _NUMPY},
}
_BUILDERS = tuple(dict.fromkeys(_ALLOWED.values()))
# Classes of these packages become records: haiku's mappings, BYOL's and the optimisers' states.
_INERT = ("haiku.", "optax.", "byol.")


_OPCODES = (
    "PROTO FRAME STOP MARK POP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG1 BINFLOAT STRING BINSTRING "
    "SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 EMPTY_TUPLE "
    "TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE "
    "NEWOBJ BUILD PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET PERSID BINPERSID"
)
_MOST_STEPS = 2_000_000  # CIFAR-100's training images take some 250,000; one takes up to 100 bytes of memory


class _Steps(dict):
    """What each opcode does; those that arrays in mappings do not need are refused, and so is a pickle without end."""

    left = _MOST_STEPS

    def __getitem__(self, opcode: int) -> Callable[[Unpickler], None]:
        self.left -= 1
        if self.left < 0:
            raise pickle.UnpicklingError(f"it has over {_MOST_STEPS} steps")
        return super().__getitem__(opcode)

    def __missing__(self, opcode: int) -> None:
        raise pickle.UnpicklingError(f"it uses the opcode {opcode:#x}, which no arrays need")


class Unpickler(pickle._Unpickler):  # the one in Python: its steps can be replaced, its memo grows with what is in it
    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(file, encoding="latin1")
        own = type(self)
        steps = own.dispatch | {
            pickle.REDUCE[0]: own.reduce,
            pickle.NEWOBJ[0]: own.reduce,
            pickle.BUILD[0]: own.build,
            pickle.SETITEM[0]: own.set_item,
            pickle.SETITEMS[0]: own.set_items,
        }
        self.dispatch = _Steps({code: steps[code] for code in (getattr(pickle, name)[0] for name in _OPCODES.split())})
        self.budget = 8 * size + 2**20

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if f"{module}.".startswith(_INERT):
            return Record
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not on the list of what may be built")

    def persistent_load(self, identifier: Any) -> Any:
        raise pickle.UnpicklingError("it names an object kept elsewhere")

    def spend(self, values: Any) -> None:
        """What is copied may not be much more than what the file holds: one long text can be named a million times."""
        self.budget -= len(values) + sum(len(value) for value in values if isinstance(value, (str, bytes)))
        if self.budget < 0:
            raise pickle.UnpicklingError("it copies the same values over and over")

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(arguments, tuple):
            raise pickle.UnpicklingError("it calls something without arguments")
        self.spend(arguments)
        self.append(self.call(function, arguments))

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        if not any(function is builder for builder in _BUILDERS):
            raise pickle.UnpicklingError("it calls what is none of its classes")
        return function(*arguments)

    def build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if not isinstance(built, (Record, DType, Array)):
            raise pickle.UnpicklingError(f"it changes a {type(built).__name__}")
        self.spend(state if isinstance(state, tuple) else ())
        built.__setstate__(state)

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key, value])

    def set_items(self) -> None:
        self.fill(self.pop_mark())

    def fill(self, items: list[Any]) -> None:
        mapping, keys = self.stack[-1], items[::2]
        # Hashing tuples of tuples can take until the end of time.
        if type(mapping) is not dict or not all(type(key) in (str, bytes, int) for key in keys):
            raise pickle.UnpicklingError("it has a mapping with other keys than names and numbers")
        mapping.update(zip(keys, items[1::2], strict=True))


def read_pickle(path: Path) -> Any:
    """The content of a pickle of arrays in mappings and records; InputError that names whatever else it asks for."""
    with open(path, "rb") as file:
        return _load(file, path.stat().st_size, path)


def load_pickle(content: bytes, path: Path) -> Any:
    """As `read_pickle`, of a member of the archive `path`; texts of Python 2 are read as Latin-1."""
    return _load(io.BytesIO(content), len(content), path)


def _load(file: IO[bytes], size: int, path: Path) -> Any:
    try:
        return Unpickler(file, size).load()
    except Exception as error:  # a broken pickle can raise anything; nothing of it has run
        raise InputError(f"{path}: refused: {str(error)[:200] or type(error).__name__}; fetch it again") from None
