"""Members of tar and zip archives, read without extracting anything: nothing can be written outside a folder.

A tar archive inside a zip file is read as part of it (Caltech-101 has one). These are refused, since no honest archive
has them: a name or a link that points outside the archive, a device, a member too large for memory, and an archive
that unpacks to more than `MOST` times its size.
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
from typing import IO, Any, Literal

from pedrank.utils.errors import InputError, reason

LARGEST = 2**28  # bytes of one member; the largest image of any dataset here has about 20 MB
# An archive may unpack to this many times its own size, plus 16 MiB. Images hardly shrink; zeros shrink 1,000 times.
MOST = 20
_LONGEST_NAME = 2**16
_NAMES = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_BROKEN = (  # exceptions of the libraries for a broken archive; RuntimeError: it needs a password
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
    """Iterate over the files in an archive, in its order.

    Yields:
        The name of a file, and a function that returns its content. Call it before the next file is taken.

    Raises:
        InputError: A member is refused, or the archive is missing, broken or cut short.
    """
    with whole(path):
        left = MOST * path.stat().st_size + 2**24
        for name, size, read in _zip(path) if zipfile.is_zipfile(path) else _tar_file(path):
            left -= size + tarfile.BLOCKSIZE
            if left < 0:
                raise InputError(f"{path}: refused: it unpacks to over {MOST} times its size; download the file again")
            if read is not None:
                yield name, read


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Turn the libraries' exceptions for a broken archive into an InputError.

    Raises:
        InputError: The archive at `path` is missing, broken or cut short.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; download it") from None
    except (*_BROKEN, OSError) as error:
        if isinstance(error, InputError) or getattr(error, "filename", None):  # an error of the disk names a file
            raise
        raise InputError(f"{path}: broken or cut short ({reason(error)}); download the file again") from None


def _zip(path: Path) -> Iterator[tuple[str, int, Read | None]]:
    """Name, size and reading function of each member; the function is None for a member that is not a file."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse_outside(path, member.filename)
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile("a kind of compression that no dataset uses")
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
        """Refuse a long name before tarfile reads it: it is stored as a member, and may have any size."""
        if self.type in _NAMES and not 0 <= self.size <= _LONGEST_NAME:
            raise tarfile.ReadError(f"a name of {self.size} bytes")
        base: Any = super()  # a method without public types
        return base._proc_member(archive)


def _tar(path: Path, stream: IO[bytes], mode: Literal["r|", "r|gz"]) -> Iterator[tuple[str, int, Read | None]]:
    """As `_zip`. gzip only: other compressions unpack without a bound on memory, and no dataset uses them."""
    with tarfile.open(fileobj=stream, mode=mode, tarinfo=_Member) as archive:
        while (member := archive.next()) is not None:
            vars(archive)["members"].clear()  # otherwise tarfile keeps all of them in memory
            _refuse_outside(path, member.name)
            if member.issym() or member.islnk():
                base = posixpath.dirname(member.name) if member.issym() else ""
                _refuse_outside(path, posixpath.join(base, member.linkname), member.name)
            elif not (member.isfile() or member.isdir()):
                raise InputError(
                    f"{path}: refused: the member '{member.name}' is neither a file nor a folder; download "
                    "the file again"
                )
            _refuse_large(path, member.name, member.size)
            read = _reader(path, archive.extractfile, member) if member.isfile() else None
            yield member.name, member.size, read


def _reader(path: Path, opened: Callable[[Any], IO[bytes] | None], member: Any) -> Read:
    def read() -> bytes:
        with whole(path):
            content = opened(member)
            if content is None:
                raise ValueError(f"'{member}' is not a file")
            with content:
                return content.read()

    return read


def _refuse_outside(path: Path, target: str, name: str | None = None) -> None:
    normal = posixpath.normpath(target.replace("\\", "/"))
    if normal.startswith(("/", "../")) or normal == ".." or normal[1:2] == ":":
        how = f"is a link to '{target}'," if name else "lies"
        raise InputError(
            f"{path}: refused: the member '{name or target}' {how} outside the archive; download the file again"
        )


def _refuse_large(path: Path, name: str, size: int) -> None:
    if not 0 <= size <= LARGEST:
        raise InputError(
            f"{path}: refused: the member '{name}' has {size} bytes, too many for an image or a list; download it again"
        )


def read_members(
    path: Path, wanted: Collection[str], key: Callable[[str], str] = lambda name: name
) -> dict[str, bytes]:
    """Read some members of an archive.

    Args:
        path: The archive.
        wanted: Keys of the members to read.
        key: Makes a key of a member's name; by default the name itself. The first member with a key counts.

    Returns:
        Contents by key.

    Raises:
        InputError: A member is missing or refused, or the archive is broken.
    """
    found: dict[str, bytes] = {}
    for name, read in members(path):
        if key(name) in wanted and key(name) not in found:
            found[key(name)] = read()
            if len(found) == len(wanted):
                return found
    missing = next(name for name in wanted if name not in found)
    raise InputError(f"{path}: no '{missing}' inside; download the file again")


def tail(depth: int) -> Callable[[str], str]:
    """Return a function that keeps the last `depth` parts of a member's name: archives differ in their top folders.

    >>> tail(2)("data/train/cat/1.jpg")
    'cat/1.jpg'
    """
    return lambda name: "/".join(name.split("/")[-depth:])
