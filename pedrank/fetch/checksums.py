"""What a fetched file must be before it is taken: no web page, of the known checksum, and the same as last time."""

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

# What a file of this name begins with; a page or an error message in its place is told by its first bytes.
_FIRST_BYTES = {
    (".tar.gz", ".tgz"): (b"\x1f\x8b", b"PK\x03\x04"),  # Kaggle's zip file may stand in for a tar.gz
    (".zip",): (b"PK\x03\x04",),
    (".pth", ".pth.tar", ".pkl"): (b"PK\x03\x04", b"\x80"),  # torch's zip format, or a pickle
    (".mat",): (b"MATLAB",),
}


class Refused(Exception):
    """Why a file is not taken, in a few words."""


def check_fetched(path: Path, file: str, entry: Mapping[str, Any]) -> str:
    """The sha256 of a file whose first bytes and checksum are right; Refused otherwise."""
    with open(path, "rb") as content:
        start = content.read(512)
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise Refused("is an HTML page in place of the file")
    wanted = next((firsts for ends, firsts in _FIRST_BYTES.items() if file.endswith(ends)), (b"",))
    if not start.startswith(wanted) or (
        file.endswith(".tar") and not file.endswith(".pth.tar") and start[257:262] != b"ustar"
    ):
        raise Refused(f"begins with other bytes than a {Path(file).suffix} file")
    md5, sha256 = _digests(path)
    if "npm" in entry and sha256 == entry["npm"]["sha256"]:
        return sha256
    for kind, found in (("sha256", sha256), ("md5", md5)):
        if not found.startswith(entry.get(kind, "")):
            raise Refused(f"has the wrong checksum ({kind} {found}, not {entry[kind]}): truncated or another file")
    return sha256


def _digests(path: Path) -> tuple[str, str]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with open(path, "rb") as content:
        while chunk := content.read(2**22):
            md5.update(chunk)
            sha256.update(chunk)
    return md5.hexdigest(), sha256.hexdigest()


def remember_checksum(folder: Path, file: str, sha256: str) -> None:
    """Remember a file's sha256 when it is first seen; Refused when it is not the one remembered."""
    path = folder / KNOWN
    with exclusive(folder / f".{KNOWN}.lock"):
        known = read_json(path) if path.exists() else {}
        if not isinstance(known, dict):
            raise InputError(f"{path}: not a list of checksums; delete it and run again")
        if known.setdefault(file, sha256) != sha256:
            raise Refused(
                f"is not the file that was first fetched (sha256 {sha256}, not {known[file]}); if it has changed for "
                f"good, delete its line in {path}"
            )
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")  # no seal: people edit it
