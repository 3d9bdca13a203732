"""Fetching files: whole, checked, and never twice. A file that is already there is taken as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pedrank.artefacts import atomic
from pedrank.catalogue import catalogue
from pedrank.errors import InputError


def sources() -> dict[str, dict[str, Any]]:
    """Every file that a study can need, with its `url` and, where one is known, its `md5` or `sha256`."""
    files = {entry["file"]: entry for entry in catalogue("checkpoints").values() if "file" in entry}
    for entry in catalogue("datasets").values():
        files |= entry.get("files", {})
    return files


def download(file: str, out: Path) -> None:
    """Fetch `file` of the catalogues to `out`.

    Raises InputError, naming what to put where by hand, if it has no address, cannot be reached, fails its checksum, or
    is an HTML page in place of a file.
    """
    import pooch
    import requests

    entry = sources().get(file)
    if entry is None:
        raise InputError(f"{file}: no catalogue names this file")
    by_hand = f"get it by hand and put it at {out}"
    if not entry.get("url"):
        raise InputError(f"{file}: cannot be fetched by a program ({entry.get('note', 'no address')}); {by_hand}")
    known_hash = next((f"{kind}:{entry[kind]}" for kind in ("sha256", "md5") if kind in entry), None)
    with atomic(out) as temporary:
        try:
            pooch.retrieve(
                entry["url"],
                known_hash,
                temporary.name,
                temporary.parent,
                downloader=pooch.HTTPDownloader(progressbar=True),
            )
        except requests.RequestException as error:
            raise InputError(
                f"{entry['url']}: cannot be reached ({type(error).__name__}); try again or {by_hand}"
            ) from None
        except ValueError:  # pooch's word for a checksum that differs
            raise InputError(f"{entry['url']}: wrong checksum, expected {known_hash}; try again or {by_hand}") from None
        with open(temporary, "rb") as content:
            start = content.read(64).lstrip().lower()
        if start.startswith((b"<!doctype html", b"<html")):
            raise InputError(f"{entry['url']}: answered with an HTML page in place of the file; {by_hand}")
