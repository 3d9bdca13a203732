"""Whether a torch file is what torch.save writes of tensors, before torch reads it.

torch.load with weights_only runs no code of the file. It does believe what the file says of its sizes, unpacks what is
compressed, and hashes whatever is the key of a mapping: memory beyond a tensor's end, or all of it, or all time, are
within a file's reach. Here the pickle is gone through with nothing in the place of what it names, its steps counted.
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
_LEGACY = 5  # pickles of a file in the format before torch 1.6: magic, protocol, system, content, keys of its storages


def check_torch_file(path: Path) -> None:
    """Raise UnpicklingError, or an error of the zip library, for what torch.save does not write of tensors."""
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
            raise pickle.UnpicklingError(f"its storage {key} has another size than it says")


class _Rehearsal(Unpickler):
    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(file, size)
        self.storages: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch" and name in _BYTES:
            return name
        return Record  # torch itself has a list of what may be built

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        if function is dict and arguments == ():
            return {}
        return super().call(function, arguments)

    def build(self) -> None:
        if type(self.stack[-2]) is dict:  # the attributes of a state_dict, in which torch notes versions
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
