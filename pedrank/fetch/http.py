"""One file over HTTP into a partial file: resumed where it broke off, tried again with growing pauses."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

ATTEMPTS = 5  # without a byte gained
PAUSE = 1.0  # seconds before the second attempt; doubled each time
TIMEOUT = 60.0  # seconds without an answer, or without a byte
_CHUNK = 2**16  # bytes; what a broken connection loses at most


class FetchError(Exception):
    """Why an address gave no whole file, in a few words."""


def fetch(url: str, part: Path) -> None:
    """Fetch `url` to `part`, or the rest of it where `part` holds the beginning.

    The beginning counts only if the server's validator (ETag or Last-Modified) of it is known, and the server says that
    it still holds; otherwise the file is fetched anew. Raises FetchError when the server refuses, or after `ATTEMPTS`
    attempts that gained nothing; `part` then keeps what was got.
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
            raise FetchError(f"cannot be fetched ({type(error).__name__})") from None
        failures = 1 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise FetchError(reason)
        time.sleep(PAUSE * 2 ** (failures - 1))


def _attempt(url: str, part: Path) -> None:
    """One request; a connection that breaks off raises requests' errors and leaves `part` longer."""
    import requests
    from tqdm import tqdm

    note = part.with_name(f"{part.name}.json")
    validator = _validator(note)
    start = _size(part) if validator else 0
    headers = {"Accept-Encoding": "identity"}  # sizes are those of the file
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # nothing behind `start`: all of it is here, or it is another file
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
        usable = bool(validator) and not validator.startswith("W/")  # weak ones promise no equal bytes
        note.write_text(json.dumps({"url": url, "validator": validator if usable else None}))
        bar = tqdm(
            desc=part.name, total=total, initial=start, unit="B", unit_scale=True, file=sys.stderr, mininterval=1
        )
        with open(part, "r+b" if start else "wb") as file, bar:
            file.seek(start)
            # As sent: some servers call a .tgz file gzip-encoded, and it is not to be unpacked on the way.
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and _size(part) < total:
        raise requests.ConnectionError("fewer bytes than announced")


def _validator(note: Path) -> str | None:
    """What the server called the beginning that is here; None where nobody knows, or a killed run left half a note."""
    try:
        validator = json.loads(note.read_text())["validator"]
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None
    return validator if isinstance(validator, str) else None


def _starts_at(content_range: str, start: int) -> bool:
    found = re.match(r"bytes (\d+)-", content_range)
    return found is not None and int(found[1]) == start


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
