"""Members of tar and zip archives, read without extracting anything: nothing can be written outside a folder.

A tar archive inside a zip file is read as part of it (Caltech-101 has one). Files that macOS and Windows leave behind
are skipped (`is_junk`). A link is read as the file that it points to. These are refused, since no honest archive has
them: a name that points outside the archive, a device, a member too large for memory, and an archive that unpacks to
more than `MOST` times its size. A link out of the archive, or a pipe, is refused when it is read.
"""

from __future__ import annotations

import posixpath
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

from pedrank.utils.errors import InputError, reason

LARGEST = 2**28  # bytes of one member; the largest image of any dataset here has about 20 MB
# An archive may unpack to this many times its own size, plus 16 MiB. Images hardly shrink; zeros shrink 1,000 times.
MOST = 20
_LONGEST_NAME = 2**16
_MOST_LINKS = 2**25  # bytes of memory for the names of links; SUN397 has 108,754 images with names of 40 letters
_JUNK = frozenset(("__macosx", "macosx", ".ds_store", "thumbs.db", "desktop.ini"))
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


class _Member(NamedTuple):
    name: str
    size: int
    read: Read | None = None  # None: not a file
    target: str | None = None  # of a link: the name of a member


def is_junk(name: str) -> bool:
    """Whether macOS or Windows made a member on its own, whatever its ending says.

    Args:
        name: The member's name in the archive.

    >>> is_junk("__MACOSX/caltech-101/._Annotations.tar"), is_junk("data/Thumbs.db"), is_junk("data/a.jpg")
    (True, True, False)
    """
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith("._") or part.lower() in _JUNK for part in parts)


def members(path: Path) -> Iterator[tuple[str, Read]]:
    """Iterate over the files in an archive, in its order; links to files come last.

    Yields:
        The name of a file, and a function that returns its content. Call it before the next file is taken.

    Raises:
        InputError: A member is refused, or the archive is missing, broken or cut short.
    """
    with whole(path):
        left = MOST * path.stat().st_size + 2**24
        links, room = {}, _MOST_LINKS
        for member in _all(path):
            left -= member.size + tarfile.BLOCKSIZE
            _refuse_much(path, left)
            if member.read is not None:
                yield member.name, member.read
            elif member.target is not None:
                room -= len(member.name) + len(member.target) + 200
                if room < 0:
                    raise InputError(f"{path}: refused: too many links; download the file again")
                links[posixpath.normpath(member.name)] = member.target
        for name, size, read in _linked(path, links):
            left -= size + tarfile.BLOCKSIZE
            _refuse_much(path, left)
            yield name, read


def _linked(path: Path, links: dict[str, str]) -> Iterator[tuple[str, int, Read]]:
    """Name, size and reading function of each link to a file. The archive is read once more: a file may come first."""
    names: dict[str, list[str]] = {}
    for link in links:
        target = link
        for _ in range(8):  # a link may point to a link; no honest one goes on for long
            target = links.get(target, target)
        names.setdefault(target, []).append(link)
    if names:
        for member in _all(path):
            if member.read is not None:
                read = cache(member.read)  # a stream gives the content once, but several links may have it
                for link in names.pop(posixpath.normpath(member.name), ()):
                    yield link, member.size, read


def _refuse_much(path: Path, left: int) -> None:
    if left < 0:
        raise InputError(f"{path}: refused: it unpacks to over {MOST} times its size; download the file again")


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


def _all(path: Path) -> Iterator[_Member]:
    """All members of an archive in its order, junk left out."""
    return _zip(path) if zipfile.is_zipfile(path) else _tar_file(path)


def _zip(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename
            _refuse_outside(path, name)
            if is_junk(name):
                continue
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile("a kind of compression that no dataset uses")
            if name.endswith((".tar", ".tar.gz", ".tgz")):
                with archive.open(member) as stream:
                    start = stream.read(2)
                with archive.open(member) as stream:
                    yield from _tar(path, stream, start)
                continue
            _refuse_large(path, name, member.file_size)
            yield _Member(name, member.file_size, None if member.is_dir() else _reader(path, archive.open, member))


def _tar_file(path: Path) -> Iterator[_Member]:
    with open(path, "rb") as stream:
        yield from _tar(path, stream, stream.peek(2)[:2])


class _Header(tarfile.TarInfo):
    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """Refuse a long name before tarfile reads it: it is stored as a member, and may have any size."""
        if self.type in _NAMES and not 0 <= self.size <= _LONGEST_NAME:
            raise tarfile.ReadError(f"a name of {self.size} bytes")
        base: Any = super()  # a method without public types
        return base._proc_member(archive)


def _tar(path: Path, stream: IO[bytes], start: bytes) -> Iterator[_Member]:
    """gzip only: other compressions unpack without a bound on memory, and no dataset uses them.

    The first bytes tell gzip, not the name: some programs unpack a file and leave its name as it was.
    """
    with tarfile.open(fileobj=stream, mode="r|gz" if start == b"\x1f\x8b" else "r|", tarinfo=_Header) as archive:
        while (member := archive.next()) is not None:
            vars(archive)["members"].clear()  # otherwise tarfile keeps all of them in memory
            _refuse_outside(path, member.name)
            _refuse_large(path, member.name, member.size)
            yield _Member(member.name, member.size) if is_junk(member.name) else _found(path, archive, member)


def _found(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> _Member:
    """Classify a member of a tar archive as a file, a link, a folder, or a member that is refused when it is read.

    Raises:
        InputError: The member is a device.
    """
    name, size = member.name, member.size
    if member.isfile():
        return _Member(name, size, _reader(path, archive.extractfile, member))
    if member.isdir():
        return _Member(name, size)
    if member.issym() or member.islnk():
        base = posixpath.dirname(name) if member.issym() else ""
        target = posixpath.join(base, member.linkname)
        if not _outside(target):
            return _Member(name, size, target=posixpath.normpath(target))
        return _Member(name, size, _refusing(path, f"'{name}' is a link to '{target}', outside the archive"))
    refuse = _refusing(path, f"'{name}' is neither a file nor a folder")
    if member.ischr() or member.isblk():
        refuse()
    return _Member(name, size, refuse)


def _refusing(path: Path, what: str) -> Read:
    def read() -> bytes:
        raise InputError(f"{path}: refused: the member {what}; download the file again")

    return read


def _reader(path: Path, opened: Callable[[Any], IO[bytes] | None], member: Any) -> Read:
    def read() -> bytes:
        with whole(path):
            content = opened(member)
            if content is None:
                raise ValueError(f"'{member}' is not a file")
            with content:
                return content.read()

    return read


def _outside(target: str) -> bool:
    normal = posixpath.normpath(target.replace("\\", "/"))
    return normal.startswith(("/", "../")) or normal == ".." or normal[1:2] == ":"


def _refuse_outside(path: Path, name: str) -> None:
    if _outside(name):
        _refusing(path, f"'{name}' lies outside the archive")()


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
