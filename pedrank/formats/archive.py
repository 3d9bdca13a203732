"""Reading members straight from tar and zip archives: nothing is extracted, so nothing can land outside a folder.

An archive inside a zip file is read as part of it (Caltech-101 has one). A name that leaves the archive, a link that
does, a device, a member too large for memory, or an archive that unpacks to hundreds of times its size is refused all
the same: no honest archive is like that.
"""

from __future__ import annotations

import posixpath
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pedrank.utils.errors import InputError, reason

LARGEST = 2**28  # bytes of one member; the largest image of any dataset here has some 20 MB
MOST = 20  # times its own size, and 16 MB: what an archive may unpack to. Images hardly shrink; zeros do, 1,000 times.
_LONGEST_NAME = 2**16
_NAMES = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_BROKEN = (  # what the libraries raise of an archive that is broken; RuntimeError: a password is asked for
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    OverflowError,
    ValueError,
)

Read = Callable[[], bytes]


def members(path: Path) -> Iterator[tuple[str, Read]]:
    """Names of the files in an archive, in its order, each with a function that reads it now.

    Raises InputError for a member that is refused, and for an archive that is broken or cut short.
    """
    with whole(path):
        left = MOST * path.stat().st_size + 2**24
        for name, size, read in _zip(path) if zipfile.is_zipfile(path) else _tar_file(path):
            left -= size + tarfile.BLOCKSIZE
            if left < 0:
                raise InputError(f"{path}: refused: it unpacks to over {MOST} times its size; fetch the file again")
            if read is not None:
                yield name, read


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """What the libraries raise of an archive that is broken, in one line."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch it") from None
    except (*_BROKEN, OSError) as error:
        if isinstance(error, InputError) or getattr(error, "filename", None):  # that of a file is the disk's
            raise
        raise InputError(f"{path}: broken or cut short ({reason(error)}); delete it and run again") from None


def _zip(path: Path) -> Iterator[tuple[str, int, Read | None]]:
    """Name, size and function of each member; None in place of the function where it is no file."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse_outside(path, member.filename)
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile("a kind of compression that no dataset has")
            if member.filename.endswith((".tar", ".tar.gz", ".tgz")):
                with archive.open(member) as stream:
                    yield from _tar(path, stream, "r|" if member.filename.endswith(".tar") else "r|gz")
                continue
            _refuse_large(path, member.filename, member.file_size)
            read = None if member.is_dir() else _reader(path, archive.open, member)
            yield member.filename, member.file_size, read


def _tar_file(path: Path) -> Iterator[tuple[str, int, Read | None]]:
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        yield from _tar(path, stream, "r|gz" if packed else "r|")


class _Member(tarfile.TarInfo):
    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """A long name is a member of its own, which tarfile reads into memory before anybody sees it."""
        if self.type in _NAMES and not 0 <= self.size <= _LONGEST_NAME:
            raise tarfile.ReadError(f"a name of {self.size} bytes")
        return super()._proc_member(archive)


def _tar(path: Path, stream: IO[bytes], mode: str) -> Iterator[tuple[str, int, Read | None]]:
    """As `_zip`; tarfile's further kinds of compression unpack without a bound on memory, and no dataset has them."""
    with tarfile.open(fileobj=stream, mode=mode, tarinfo=_Member) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # tarfile keeps them all otherwise
            _refuse_outside(path, member.name)
            if member.issym() or member.islnk():
                base = posixpath.dirname(member.name) if member.issym() else ""
                _refuse_outside(path, posixpath.join(base, member.linkname), member.name)
            elif not (member.isfile() or member.isdir()):
                raise InputError(f"{path}: refused: the member '{member.name}' is a device; fetch the file again")
            _refuse_large(path, member.name, member.size)
            read = _reader(path, archive.extractfile, member) if member.isfile() else None
            yield member.name, member.size, read


def _reader(path: Path, opened: Callable[[Any], IO[bytes]], member: Any) -> Read:
    def read() -> bytes:
        with whole(path), opened(member) as content:
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
    if not 0 <= size <= LARGEST:
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
