"""Reading members straight from tar and zip archives: nothing is extracted, so nothing can land outside a folder.

An archive inside a zip file is read as part of it (Caltech-101 has one). A name that leaves the archive, a link that
does, a device, or a member too large for memory is refused all the same: no honest archive has one.
"""

from __future__ import annotations

import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pedrank.errors import InputError

LARGEST = 2**28  # bytes of one member; the largest image of any dataset here has some 20 MB

Read = Callable[[], bytes]


def members(path: Path) -> Iterator[tuple[str, Read]]:
    """Names of the files in an archive, in its order, each with a function that reads it now.

    Raises InputError for a member that is refused, and for an archive that is broken or cut short.
    """
    with _whole(path):
        if zipfile.is_zipfile(path):
            yield from _zip(path)
        else:
            with open(path, "rb") as stream:
                yield from _tar(path, stream)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """What the libraries raise of an archive that is broken, in one line."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch it") from None
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise InputError(f"{path}: broken or cut short ({reason}); delete it and run again") from None


def _zip(path: Path) -> Iterator[tuple[str, Read]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse_outside(path, member.filename)
            if member.is_dir():
                continue
            if member.filename.endswith((".tar", ".tar.gz", ".tgz")):
                with archive.open(member) as stream:
                    yield from _tar(path, stream)
                continue
            _refuse_large(path, member.filename, member.file_size)
            yield member.filename, _reader(path, archive.open, member)


def _tar(path: Path, stream: IO[bytes]) -> Iterator[tuple[str, Read]]:
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for member in archive:
            _refuse_outside(path, member.name)
            if member.issym() or member.islnk():
                base = posixpath.dirname(member.name) if member.issym() else ""
                _refuse_outside(path, posixpath.join(base, member.linkname), member.name)
            elif not (member.isfile() or member.isdir()):
                raise InputError(f"{path}: refused: the member '{member.name}' is a device; fetch the file again")
            elif member.isfile():
                _refuse_large(path, member.name, member.size)
                yield member.name, _reader(path, archive.extractfile, member)


def _reader(path: Path, opened: Callable[[Any], IO[bytes]], member: Any) -> Read:
    def read() -> bytes:
        with _whole(path), opened(member) as content:
            return content.read()

    return read


def _refuse_outside(path: Path, target: str, name: str | None = None) -> None:
    normal = posixpath.normpath(target.replace("\\", "/"))
    if normal.startswith(("/", "../")) or normal == ".." or normal[1:2] == ":":
        how = f"is a link to '{target}'," if name else "lies"
        raise InputError(
            f"{path}: refused: the member '{name or target}' {how} outside the archive; fetch the file again"
        )


def _refuse_large(path: Path, name: str, size: int) -> None:
    if size > LARGEST:
        raise InputError(
            f"{path}: refused: the member '{name}' has {size} bytes, no image or list; fetch the file again"
        )


def read_members(
    path: Path, wanted: Collection[str], key: Callable[[str], str] = lambda name: name
) -> dict[str, bytes]:
    """The contents of the members whose `key(name)` is in `wanted`, by that key; InputError when one is missing."""
    found: dict[str, bytes] = {}
    for name, read in members(path):
        if key(name) in wanted and key(name) not in found:
            found[key(name)] = read()
            if len(found) == len(wanted):
                return found
    missing = next(name for name in wanted if name not in found)
    raise InputError(f"{path}: no '{missing}' inside; delete it and run again")


def tail(depth: int) -> Callable[[str], str]:
    """The last `depth` parts of a member's name: archives differ in what stands before."""
    return lambda name: "/".join(name.split("/")[-depth:])
