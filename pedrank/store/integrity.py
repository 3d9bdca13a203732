"""Seals: every artefact says by a hash what it holds, and where it belongs, so that no changed or swapped one is read.

A seal is a line as `sha256sum` writes it: the hash, two spaces, and the file's place below `results/`. It stands in the
header of a safetensors file, under the key "seal" of a JSON file, and for everything else (tables, figures, pages) in a
hidden file beside it, .NAME.sha256, which `cd results && sha256sum --check` reads. Files without a seal come from
elsewhere and are taken as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pedrank.utils.errors import InputError

UNSEALED = "0" * 64  # where the hash will stand in a header
REMEDY = "delete it and run again, or let `make resume` do both"
_SEAL = re.compile(rb'("seal": ")([0-9a-f]{64})(?=  )')


def place(path: str | os.PathLike) -> str:
    """Where a file, or the one that a temporary file will be, belongs below `results/`; nothing for files elsewhere."""
    parts = Path(path).parts
    if "results" not in parts:
        return ""
    below = parts[len(parts) - parts[::-1].index("results") :]
    return "/".join([*below[:-1], *(name.removeprefix(".tmp-") for name in below[-1:])])


def check_place(path: str | os.PathLike, seal: str) -> None:
    """InputError when the seal is that of a file which belongs somewhere else below `results/`."""
    belongs, here = seal.partition("  ")[2], place(path)
    if belongs and here and belongs != here:
        raise InputError(f"{path}: this is another file, results/{belongs}; {REMEDY}")


def check_seal(path: str | os.PathLike, seal: str, found: str) -> None:
    """InputError when the file at `path`, whose hash is `found`, is not the one that was sealed."""
    check_place(path, seal)
    if seal.partition("  ")[0] != found:
        raise InputError(f"{path}: not what was written: changed by hand, or damaged; {REMEDY}")


def seal_record(path: str | os.PathLike, data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with its seal, for a JSON file at `path`."""
    content = {key: value for key, value in data.items() if key != "seal"}
    return content | {"seal": f"{_hash_of(content)}  {place(path)}"}


def open_record(path: str | os.PathLike, data: Any) -> Any:
    """What `seal_record` sealed, checked; anything else as it is."""
    if not isinstance(data, dict) or "seal" not in data:
        return data
    content = {key: value for key, value in data.items() if key != "seal"}
    check_seal(path, str(data["seal"]), _hash_of(content))
    return content


def _hash_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seal_arrays(path: Path) -> None:
    """Fill in the hash in the header of a finished safetensors file: of all its bytes, with zeros for the hash."""
    with open(path, "r+b") as file:
        found = _hash_of_rest(file, header := _with_hash(_header(file), UNSEALED))
        file.seek(0)
        file.write(_with_hash(header, found))


def check_arrays(path: str | os.PathLike) -> None:
    """InputError when a sealed safetensors file is not what was written; it is read once per process."""
    status = os.stat(path)
    _check_arrays(os.fspath(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@cache
def _check_arrays(path: str, *_: int) -> None:
    with open(path, "rb") as file:
        header = _header(file)
        if sealed := _SEAL.search(header):
            check_seal(path, sealed[2].decode(), _hash_of_rest(file, _with_hash(header, UNSEALED)))


def _with_hash(header: bytes, found: str) -> bytes:
    return _SEAL.sub(rb"\g<1>" + found.encode(), header, count=1)


def _hash_of_rest(file: Any, header: bytes) -> str:
    """Of a header and all that follows it in `file`."""
    return hashlib.file_digest(file, lambda: hashlib.sha256(header)).hexdigest()


def _header(file: Any) -> bytes:
    length = file.read(8)
    return length + file.read(int.from_bytes(length, "little"))


def beside(path: Path) -> Path:
    """The file that holds the seal of one that cannot hold it itself."""
    return path.with_name(f".{path.name}.sha256")


def seal_beside(path: Path, written: Path) -> None:
    """Seal `written`, which is about to become `path`; only below `results/`.

    The seal comes first: Snakemake deletes outputs before it makes them again, so that a job killed in between leaves
    a seal without a file and never a file with another's seal.
    """
    if place(path):
        with open(written, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        path.unlink(missing_ok=True)
        temporary = path.with_name(f".tmp-{path.name}.sha256")
        temporary.write_text(f"{found}  {place(path)}\n")
        os.replace(temporary, beside(path))


def check_beside(path: str | os.PathLike) -> None:
    """InputError when the file at `path` is not what the seal beside it says; files without one pass."""
    try:
        seal = beside(Path(path)).read_text(errors="replace").rstrip("\n")
    except FileNotFoundError:
        return
    with open(path, "rb") as file:
        check_seal(path, seal, hashlib.file_digest(file, "sha256").hexdigest())
