"""Seals: every artefact states its hash and its place, so that a changed or misplaced one is noticed on reading.

A seal is a line as `sha256sum` writes it: the hash, two spaces, and the file's place below `results/`. A safetensors
file has it in its header, a JSON file under the key "seal". Other files (tables, figures, pages) have it in a hidden
file beside them, .NAME.sha256, which `cd results && sha256sum --check` reads. Files without a seal come from elsewhere
and are not checked. Seals detect accidents, not tampering.
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
from pedrank.utils.offered import offered

UNSEALED = "0" * 64  # placeholder of the hash in a header
_SEAL = re.compile(rb'("seal": ")([0-9a-f]{64})(?=  )')


def remedy() -> str:
    """What to do about a damaged file, with a command that does it in the working directory, where there is one."""
    command = offered("resume")
    return "delete it and run again" + (f", or let `{command}` do both" if command else "")


class OfAnotherFolderError(InputError):
    """A file belongs to another folder of `results/`, such as another study: a copy, which nothing may delete."""


def place(path: str | os.PathLike) -> str:
    """Path of a file below `results/`, without the prefix of temporary files; empty for files elsewhere.

    >>> place("run/results/paper/.tmp-summary.csv")
    'paper/summary.csv'
    """
    parts = Path(path).parts
    if "results" not in parts:
        return ""
    below = parts[len(parts) - parts[::-1].index("results") :]
    return "/".join([*below[:-1], *(name.removeprefix(".tmp-") for name in below[-1:])])


def check_place(path: str | os.PathLike, seal: str) -> None:
    """Check that a seal belongs to the place of its file.

    Args:
        path: The file.
        seal: Its seal.

    Raises:
        OfAnotherFolderError: The seal names another folder of `results/`.
        InputError: The seal names another place in the same folder of `results/`.
    """
    belongs, here = seal.partition("  ")[2], place(path)
    if belongs and here and belongs.partition("/")[0] != here.partition("/")[0]:
        raise OfAnotherFolderError(
            f"{path}: this file belongs at results/{belongs}; if it is a copy, keep it outside results/, else delete it"
        )
    if belongs and here and belongs != here:
        raise InputError(f"{path}: this file belongs at results/{belongs}; {remedy()}")


def check_seal(path: str | os.PathLike, seal: str, found: str) -> None:
    """Check a file's hash and place against its seal.

    Args:
        path: The file.
        seal: Its seal.
        found: Its hash.

    Raises:
        InputError: The hash or the place differs.
    """
    check_place(path, seal)
    if seal.partition("  ")[0] != found:
        raise InputError(f"{path}: not as it was written: changed by hand, or damaged; {remedy()}")


def seal_record(path: str | os.PathLike, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a JSON file with its seal.

    Args:
        path: The file.
        data: The content.

    >>> sorted(seal_record("results/a.json", {"seconds": 1}))
    ['seal', 'seconds']
    """
    content = {key: value for key, value in data.items() if key != "seal"}
    return content | {"seal": f"{_hash_of(content)}  {place(path)}"}


def open_record(path: str | os.PathLike, data: Any) -> Any:
    """Check the seal of a JSON file's content, and return the content without it; other content is returned as it is.

    Args:
        path: The file.
        data: The content.

    Raises:
        InputError: The content is not as sealed.
    """
    if not isinstance(data, dict) or "seal" not in data:
        return data
    content = {key: value for key, value in data.items() if key != "seal"}
    check_seal(path, str(data["seal"]), _hash_of(content))
    return content


def _hash_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seal_arrays(path: Path) -> None:
    """Write the hash into the header of a finished safetensors file; it covers all bytes, with zeros in its place."""
    with open(path, "r+b") as file:
        found = _hash_of_rest(file, header := _with_hash(_header(file), UNSEALED))
        file.seek(0)
        file.write(_with_hash(header, found))


def check_arrays(path: str | os.PathLike) -> None:
    """Check the seal of a safetensors file; a file is read once per process, unless it changes.

    Raises:
        InputError: The file is not as sealed.
    """
    status = os.stat(path)
    _check_arrays(os.fspath(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def check_user_arrays(path: str | os.PathLike) -> None:
    """Check the seal of a safetensors file that a user gives; one without a seal passes.

    Raises:
        InputError: The file has a seal and is not as sealed.
    """
    try:
        check_arrays(path)
    except InputError:
        raise InputError(
            f"{path}: differs from the seal that pedrank gave it, in content or place; use the file as pedrank wrote "
            "it, and keep copies outside results/"
        ) from None


@cache
def _check_arrays(path: str, *_: int) -> None:
    with open(path, "rb") as file:
        header = _header(file)
        if sealed := _SEAL.search(header):
            check_seal(path, sealed[2].decode(), _hash_of_rest(file, _with_hash(header, UNSEALED)))


def _with_hash(header: bytes, found: str) -> bytes:
    return _SEAL.sub(rb"\g<1>" + found.encode(), header, count=1)


def _hash_of_rest(file: Any, header: bytes) -> str:
    """Hash of a header and of the rest of `file`."""
    return hashlib.file_digest(file, lambda: hashlib.sha256(header)).hexdigest()


def _header(file: Any) -> bytes:
    length = file.read(8)
    return length + file.read(int.from_bytes(length, "little"))


def beside(path: Path) -> Path:
    """Path of the hidden file that holds a file's seal.

    >>> str(beside(Path("results/summary.csv")))
    'results/.summary.csv.sha256'
    """
    return path.with_name(f".{path.name}.sha256")


def seal_beside(path: Path, written: Path) -> None:
    """Write the seal of `written`, which is about to be renamed to `path`; only below `results/`.

    The seal is written first. Snakemake deletes outputs before it makes them again, so a job that is killed in between
    leaves a seal without a file, and never a file with another file's seal.

    Args:
        path: The final path.
        written: The finished temporary file.
    """
    if place(path):
        with open(written, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        path.unlink(missing_ok=True)
        temporary = path.with_name(f".tmp-{path.name}.sha256")
        temporary.write_text(f"{found}  {place(path)}\n", encoding="utf-8")
        os.replace(temporary, beside(path))


def check_beside(path: str | os.PathLike) -> None:
    """Check a file against the seal beside it; a file without a seal passes.

    Raises:
        InputError: The file is not as sealed.
    """
    try:
        seal = beside(Path(path)).read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except FileNotFoundError:
        return
    with open(path, "rb") as file:
        check_seal(path, seal, hashlib.file_digest(file, "sha256").hexdigest())
