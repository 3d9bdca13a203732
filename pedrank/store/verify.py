"""A check of every sealed artefact below a folder, whether or not a job is about to read it.

A file is read again only if its status has changed since it was last found good: size, modification time, or the time
of the status change itself. No program can set the last one back, so an edit under an old date is noticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from pedrank.store import artefacts
from pedrank.store.integrity import OfAnotherFolderError, beside, check_arrays, check_beside, remedy
from pedrank.utils.errors import InputError

_KNOWN = Path(".snakemake/pedrank-verified.json")
_THREADS = 8  # hashing a large file releases the interpreter's lock; small files are quick


def damaged(folders: Sequence[Path], known: Path | None = _KNOWN) -> dict[Path, str]:
    """Find the artefacts that are not as sealed.

    Args:
        folders: Folders to search.
        known: File that remembers which artefacts were good; None to read every file.

    Returns:
        A message with the remedy for each damaged artefact.
    """
    before = _read(known)
    files = {str(path): _status(entry) for folder in folders for path, entry in _files(folder)}
    unknown = [path for path, status in files.items() if before.get(path) != status]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = dict(zip(unknown, pool.map(_complaint, unknown), strict=True))
    bad = {Path(path): line for path, line in found.items() if line}
    good = {path: status for path, status in files.items() if Path(path) not in bad}
    if known is not None and good != before:
        with suppress(OSError), artefacts.atomic(known) as temporary:  # on a full disk they are read again next time
            temporary.write_text(json.dumps(good), encoding="utf-8")
    return bad


def delete(path: Path) -> bool:
    """Delete a damaged artefact and its seal, unless it is a copy from another folder of `results/`, such as a backup.

    Returns:
        Whether it is deleted.
    """
    try:
        _check(str(path))
    except OfAnotherFolderError:
        return False
    except (InputError, OSError):
        pass
    path.unlink(missing_ok=True)
    beside(path).unlink(missing_ok=True)
    return True


def has_artefacts(folder: Path) -> bool:
    """Whether a folder holds any file but logs, hidden and temporary ones.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     has_artefacts(Path(folder))
    False
    """
    return next(_files(folder), None) is not None


def _files(folder: Path) -> Iterator[tuple[Path, os.DirEntry[str]]]:
    """All files that may be artefacts; hidden and temporary files and logs are left out."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "logs":
            continue
        path = folder / entry.name
        if entry.is_dir():
            yield from _files(path)
        elif entry.is_file():
            yield path, entry


def _status(entry: os.DirEntry[str]) -> list[int]:
    status = entry.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _complaint(path: str) -> str | None:
    """The message of a damaged file; None for a good file, and one that has been deleted meanwhile."""
    try:
        _check(path)
    except InputError as error:
        return str(error) if os.path.exists(path) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror}); {remedy()}"
    return None


def _check(path: str) -> None:
    if path.endswith(".safetensors"):
        artefacts.read_metadata(path)
        check_arrays(path)
    elif path.endswith(".json"):
        artefacts.read_json(path)
    else:
        check_beside(path)


def _read(known: Path | None) -> dict[str, list[int]]:
    try:
        return json.loads(known.read_text(encoding="utf-8")) if known else {}
    except (FileNotFoundError, ValueError):
        return {}
