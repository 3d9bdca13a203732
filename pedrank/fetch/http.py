"""One file over HTTP into a partial file: resumed after an interruption, and retried with growing pauses."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

ATTEMPTS = 5  # attempts in a row that gain no byte
PAUSE = 1.0  # seconds before the second attempt; doubled each time
TIMEOUT = 60.0  # seconds without an answer, or without a byte
_CHUNK = 2**16  # bytes; a broken connection loses at most this many


class FetchError(Exception):
    """An address gave no whole file; the message is the reason, a few words that follow the address."""


def fetch(url: str, part: Path) -> None:
    """Fetch an address into a file, or only the rest of it if the file holds the beginning.

    The beginning is kept only if the server's validator (ETag or Last-Modified) is known for it and is still valid.
    Otherwise the whole file is fetched again.

    Args:
        url: The address.
        part: The partial file; PART.json beside it holds the validator.

    Raises:
        FetchError: The server refuses, or `ATTEMPTS` attempts in a row gained no byte; `part` keeps the bytes so far.
    """
    import requests
    import urllib3

    part.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _size(part)
        try:
            return _attempt(url, part)
        except requests.HTTPError as error:
            status = error.response.status_code
            if status < 500 and status not in (408, 429):
                raise FetchError(f"answered {status}") from None
            reason = f"answered {status}"
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
            reason = f"cannot be reached ({type(error).__name__})" if _size(part) == 0 else "broke off"
        except requests.RequestException as error:
            raise FetchError(f"cannot be downloaded ({type(error).__name__})") from None
        failures = 1 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise FetchError(reason)
        time.sleep(PAUSE * 2 ** (failures - 1))


def _attempt(url: str, part: Path) -> None:
    """One request. If the connection breaks off, `part` keeps the bytes so far, and requests' exception is raised."""
    import requests
    from tqdm import tqdm

    note = part.with_name(f"{part.name}.json")
    validator = _validator(note)
    start = _size(part) if validator else 0
    headers = {"Accept-Encoding": "identity"}  # announced sizes are then those of the file itself
    if start and validator:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # no bytes after `start`: the file is complete, or another one
            if answer.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink()
            raise requests.ConnectionError("the partial file does not fit")
        answer.raise_for_status()
        if answer.status_code != 206 or not _starts_at(answer.headers.get("Content-Range", ""), start):
            start = 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdecimal() else None
        validator = answer.headers.get("ETag", "") or answer.headers.get("Last-Modified", "")
        usable = bool(validator) and not validator.startswith("W/")  # weak validators do not promise equal bytes
        note.write_text(json.dumps({"url": url, "validator": validator if usable else None}), encoding="utf-8")
        bar = tqdm(
            desc=part.name, total=total, initial=start, unit="B", unit_scale=True, file=sys.stderr, mininterval=1
        )
        with open(part, "r+b" if start else "wb") as file, bar:
            file.seek(start)
            # Raw bytes: some servers declare a .tgz file as gzip-encoded, and it must not be unpacked here.
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and _size(part) < total:
        raise requests.ConnectionError("fewer bytes than announced")


def _validator(note: Path) -> str | None:
    """The server's validator of the partial file; None if it is unknown, or a killed run left half a note."""
    try:
        validator = json.loads(note.read_text(encoding="utf-8"))["validator"]
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None
    return validator if isinstance(validator, str) else None


def _starts_at(content_range: str, start: int) -> bool:
    found = re.match(r"bytes (\d+)-", content_range)
    return found is not None and int(found[1]) == start


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
