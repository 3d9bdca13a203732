"""Pickles from outside, read without running anything in them.

A pickle names functions and classes, and unpickling calls them; a malicious pickle does its harm that way. Here each
name is looked up in a short list, and any other name is refused. The listed names stand for this module's own classes:
arrays made of plain bytes, and inert records that keep their arguments. Steps and copied bytes are counted, so a pickle
can neither fill the memory nor run for ever.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from pedrank.utils.errors import InputError


class Record(list):
    """A class that is not imported, as the list of its constructor's arguments; a state is appended."""

    def __new__(cls, *arguments: Any) -> Record:  # some pickles call no __init__
        record = super().__new__(cls)
        record.extend(arguments)
        return record

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.append(state)


class DType:
    """A NumPy type of numbers. Arrays of objects are refused: with them a pickle could point anywhere in memory."""

    def __init__(self, code: str, *flags: Any) -> None:
        self.numpy = np.dtype(str(code)[:9])
        if self.numpy.kind not in "biuf":
            raise pickle.UnpicklingError(f"an array of type {code}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.numpy = self.numpy.newbyteorder(state[1])


class Array:
    """An array being built: its state holds only shape, type, order and bytes."""

    value: np.ndarray

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        content = content.encode("latin1") if isinstance(content, str) else content  # Python 2's strings were bytes
        self.value = np.frombuffer(content, dtype.numpy).reshape(shape, order="F" if fortran else "C")


def _encode(text: str, encoding: str) -> bytes:
    """Replace `_codecs.encode`, with which protocol 2 writes bytes; only its one encoding is accepted."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding}")
    return text.encode("latin1")


def _named_tuple(*arguments: Any) -> type[Record]:
    """Replace dill's function that recreates the class of a named tuple."""
    return Record


def _filled_array(start: Any, arguments: Any, state: tuple[Any, ...], *rest: Any) -> Array:
    """Replace dill's function that builds an array and sets its state in one call."""
    array = Array()
    array.__setstate__(state)
    return array


class Module(str):
    """The name of a module, in place of the module."""


def _module(name: Any, *rest: Any) -> Module:
    """Replace dill's function that imports a module; nothing is imported."""
    if type(name) is not str:
        raise pickle.UnpicklingError("it imports something that is not a name")
    return Module(name)


def _attribute(module: Any, name: Any) -> Any:
    """Replace dill's `getattr`, with which dill before 0.3.5 names functions; for the allowed names of modules only."""
    if type(module) is not Module or type(name) is not str:
        raise pickle.UnpicklingError("it takes an attribute of something that is not a module")
    return allowed(module, name)


# Before and since NumPy 2; dill before 0.3.5 names the module of C code (NumPy 1.16 to 1.26) instead.
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core._multiarray_umath")
_DILL = ("dill._dill", "dill.dill")  # since and before 0.2.8
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): Record,
    ("numpy", "dtype"): DType,
    ("_codecs", "encode"): _encode,
    **{(module, "_create_namedtuple"): _named_tuple for module in _DILL},
    **{(module, "_create_array"): _filled_array for module in _DILL},
    **{(module, "_import_module"): _module for module in _DILL},
    **{(module, "_get_attr"): _attribute for module in _DILL},
    **{(module, "_reconstruct"): Array for module in _NUMPY},
    **{(module, "scalar"): Record for module in _NUMPY},
}
_BUILDERS = tuple(dict.fromkeys(_ALLOWED.values()))
# Classes of these packages become records: haiku's mappings, the states of BYOL and of the optimisers.
_INERT = ("haiku.", "optax.", "byol.")


def allowed(module: str, name: str) -> Any:
    """Return this module's own class or function for a name.

    Raises:
        pickle.UnpicklingError: The name is not on the list.

    >>> allowed("numpy", "ndarray").__name__
    'Record'
    """
    if (module, name) in _ALLOWED:
        return _ALLOWED[module, name]
    if f"{module}.".startswith(_INERT):
        return Record
    raise pickle.UnpicklingError(f"it names {module}.{name}, which is not on the list of allowed names")


_OPCODES = (
    "PROTO FRAME STOP MARK POP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG1 BINFLOAT STRING BINSTRING "
    "SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 EMPTY_TUPLE "
    "TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE "
    "NEWOBJ BUILD PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET PERSID BINPERSID"
)
_MOST_STEPS = 2_000_000  # CIFAR-100's training images take about 250,000; a step takes up to 100 bytes of memory


class _Steps(dict):
    """Functions of the allowed opcodes, those that arrays in mappings need; counts steps, so that every pickle ends."""

    left = _MOST_STEPS

    def __getitem__(self, opcode: int) -> Callable[[Unpickler], None]:
        self.left -= 1
        if self.left < 0:
            raise pickle.UnpicklingError(f"it has over {_MOST_STEPS} steps")
        return super().__getitem__(opcode)

    def __missing__(self, opcode: int) -> None:
        raise pickle.UnpicklingError(f"it uses the opcode {opcode:#x}, which arrays do not need")


class Unpickler(pickle._Unpickler):  # the version in Python: its steps can be replaced, and its memo grows as needed
    """An unpickler that builds only what `_ALLOWED` and `_INERT` name."""

    opcodes = _OPCODES
    # Attributes of the base class that typeshed leaves out.
    stack: list[Any]
    append: Callable[[Any], None]
    if TYPE_CHECKING:

        def pop_mark(self) -> list[Any]: ...

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(file, encoding="latin1")
        own = type(self)
        steps = (
            own.dispatch
            | {
                pickle.REDUCE[0]: own.reduce,
                pickle.NEWOBJ[0]: own.reduce,
                pickle.BUILD[0]: own.build,
                pickle.SETITEM[0]: own.set_item,
                pickle.SETITEMS[0]: own.set_items,
            }
            | {getattr(pickle, name)[0]: step for name, step in self.more_steps().items()}
        )
        codes = [getattr(pickle, name)[0] for name in self.opcodes.split()]
        vars(self)["dispatch"] = _Steps({code: steps[code] for code in codes})  # hides the class's own table
        self.budget = 8 * size + 2**20

    def more_steps(self) -> dict[str, Callable[[Any], None]]:
        """Functions of further opcodes by name, for a subclass that reads another kind of pickles."""
        return {}

    def find_class(self, module: str, name: str) -> Any:
        """Return this module's own class or function for a name. Raises UnpicklingError for other names."""
        return allowed(module, name)

    def persistent_load(self, identifier: Any) -> Any:
        """Raise UnpicklingError: objects outside the pickle are refused."""
        raise pickle.UnpicklingError("it names an object kept elsewhere")

    def spend(self, values: Any) -> None:
        """Count copied values against a budget of 8 times the file's size: a pickle can copy a text a million times.

        Raises UnpicklingError when the budget is spent.
        """
        self.budget -= len(values) + sum(len(value) for value in values if isinstance(value, (str, bytes)))
        if self.budget < 0:
            raise pickle.UnpicklingError("it copies the same values over and over")

    def reduce(self) -> None:
        """Call a function with arguments (the opcode REDUCE, and NEWOBJ)."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(arguments, tuple):
            raise pickle.UnpicklingError("it calls something without arguments")
        self.spend(arguments)
        self.append(self.call(function, arguments))

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """Call an allowed function. Raises UnpicklingError for any other."""
        if not any(function is builder for builder in _BUILDERS):
            raise pickle.UnpicklingError("it calls something that is not one of its classes")
        return function(*arguments)

    def build(self) -> None:
        """Set the state of a record, a type or an array (the opcode BUILD). Raises UnpicklingError for others."""
        state, built = self.stack.pop(), self.stack[-1]
        if not isinstance(built, (Record, DType, Array)):
            raise pickle.UnpicklingError(f"it changes a {type(built).__name__}")
        self.spend(state if isinstance(state, tuple) else ())
        built.__setstate__(state)

    def set_item(self) -> None:
        """Put one item into a mapping (the opcode SETITEM)."""
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key, value])

    def set_items(self) -> None:
        """Put items into a mapping (the opcode SETITEMS)."""
        self.fill(self.pop_mark())

    def fill(self, items: list[Any]) -> None:
        """Put alternating keys and values into the topmost mapping. Raises UnpicklingError for unusual keys."""
        mapping, keys = self.stack[-1], items[::2]
        # Hashing deeply nested tuples can take practically forever.
        if type(mapping) is not dict or not all(type(key) in (str, bytes, int) for key in keys):
            raise pickle.UnpicklingError("it has a mapping with other keys than names and numbers")
        mapping.update(zip(keys, items[1::2], strict=True))


def read_pickle(path: Path) -> Any:
    """Read a pickle file of arrays in mappings and records.

    Returns:
        The content, with `Array` and `Record` in it.

    Raises:
        InputError: The pickle is broken, or needs something else; the message names it.
    """
    with open(path, "rb") as file:
        return _load(file, path.stat().st_size, path)


def load_pickle(content: bytes, path: Path) -> Any:
    """Read a pickle from bytes, as `read_pickle` does. Texts of Python 2 are read as Latin-1.

    Args:
        content: The pickle.
        path: The archive it comes from, for messages.

    Raises:
        InputError: As `read_pickle`.

    >>> import pickle
    >>> load_pickle(pickle.dumps({"labels": [3, 8]}), Path("batch"))
    {'labels': [3, 8]}
    """
    return _load(io.BytesIO(content), len(content), path)


def _load(file: IO[bytes], size: int, path: Path) -> Any:
    try:
        return Unpickler(file, size).load()
    except Exception as error:  # a broken pickle can raise anything; none of its code has run
        reason = "".join(letter if letter.isprintable() else " " for letter in str(error)[:200])
        raise InputError(f"{path}: refused: {reason or type(error).__name__}; download the file again") from None
