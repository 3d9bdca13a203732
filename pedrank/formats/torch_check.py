"""A check, before torch reads a file, that it holds only what torch.save writes of tensors.

torch.load with weights_only runs no code of the file. But it trusts the sizes that the file states, unpacks compressed
members, and hashes any key of a mapping. So a file could read memory beyond a tensor's end, fill the memory, or run for
ever. Here its pickle is run once beforehand with inert objects in place of the named ones, and its steps are counted.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

from pedrank.formats.pickle_file import Record, Unpickler

_BYTES = {
    **dict.fromkeys(("ByteStorage", "CharStorage", "BoolStorage", "UntypedStorage"), 1),
    **dict.fromkeys(("ShortStorage", "HalfStorage", "BFloat16Storage"), 2),
    **dict.fromkeys(("IntStorage", "FloatStorage"), 4),
    **dict.fromkeys(("LongStorage", "DoubleStorage"), 8),
}
_LEGACY = 5  # pickles in a file of torch before 1.6: magic number, protocol, system, content, keys of the storages


def check_torch_file(path: Path) -> None:
    """Raise an exception unless a file holds only what torch.save writes of tensors.

    Raises:
        pickle.UnpicklingError: The file holds something else, or contradicts itself.
        Exception: Errors of the zip library and others, for a broken file.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _check_zip(archive, path.stat().st_size)
    else:
        with open(path, "rb") as file:
            for _ in range(_LEGACY):
                _Rehearsal(file, path.stat().st_size).load()


def _check_zip(archive: zipfile.ZipFile, size: int) -> None:
    members = {member.filename: member for member in archive.infolist()}
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members.values())
    if packed or sum(member.file_size for member in members.values()) > size:
        raise pickle.UnpicklingError("its members are compressed, or overlap")
    content = next((name for name in members if name.endswith("/data.pkl")), None)
    if content is None:
        raise pickle.UnpicklingError("no data.pkl in it")
    folder = content.removesuffix("data.pkl")
    with archive.open(content) as file:
        rehearsal = _Rehearsal(file, members[content].file_size)
        rehearsal.load()
    for key, wanted in rehearsal.storages.items():
        member = members.get(f"{folder}data/{key}")
        if member is None or member.file_size != wanted:
            raise pickle.UnpicklingError(f"its storage {key} has another size than stated")


class _Rehearsal(Unpickler):
    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(file, size)
        self.storages: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch" and name in _BYTES:
            return name
        return Record  # torch itself has a list of allowed classes

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        if function is dict and arguments == ():
            return {}
        return super().call(function, arguments)

    def build(self) -> None:
        if type(self.stack[-2]) is dict:  # the attributes of a state_dict, where torch keeps versions
            self.stack.pop()
        else:
            super().build()

    def persistent_load(self, identifier: Any) -> None:
        kind, numbers, key, _, count = identifier[:5]
        if kind != "storage" or numbers not in _BYTES or type(key) is not str or type(count) is not int or count < 0:
            raise pickle.UnpicklingError("it names an object kept elsewhere")
        size = count * _BYTES[numbers]
        if self.storages.setdefault(key, size) != size:
            raise pickle.UnpicklingError(f"its storage {key} has two sizes")
