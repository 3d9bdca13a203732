"""Reading a pickle from outside without running anything in it.

A pickle names functions and classes, and unpickling calls them: that is how a malicious one does its harm. Here a name
is looked up in a short list, and any other is refused. What stands in the list is this module's own: arrays made of
plain bytes, and inert records that only keep what they were given.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from pedrank.errors import InputError


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
        self.numpy = np.dtype(code)
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
# Classes of these packages become records: haiku's mappings, BYOL's and the optimisers' states.
_INERT = ("haiku.", "optax.", "byol.")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if f"{module}.".startswith(_INERT):
            return Record
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not on the list of what may be built")

    def persistent_load(self, identifier: Any) -> Any:
        raise pickle.UnpicklingError("it names an object kept elsewhere")


def read_pickle(path: Path) -> Any:
    """The content of a pickle of arrays in mappings and records; InputError that names whatever else it asks for."""
    with open(path, "rb") as file:
        return _load(file, path)


def load_pickle(content: bytes, path: Path) -> Any:
    """As `read_pickle`, of a member of the archive `path`; texts of Python 2 are read as Latin-1."""
    return _load(io.BytesIO(content), path)


def _load(file: IO[bytes], path: Path) -> Any:
    try:
        return _Unpickler(file, encoding="latin1").load()
    except Exception as error:  # a broken pickle can raise anything; nothing of it has run
        raise InputError(f"{path}: refused: {str(error)[:200] or type(error).__name__}; fetch it again") from None
