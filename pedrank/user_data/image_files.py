"""The image files below a folder, and a count of everything else that lies there."""

from __future__ import annotations

import heapq
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pedrank.formats.image_kinds import ending, endings, starts_like_an_image
from pedrank.utils.errors import InputError, disk_error

# Junk of macOS, Windows and network drives, which nobody means as data; it is passed over without a word.
_JUNK = ("._", ".ds_store", "__macosx", "@eadir", "thumbs.db", "desktop.ini", "$recycle.bin", "lost+found")

_SPECIAL = "pipe, socket or device", "pipes, sockets or devices"
_BROKEN = "broken link", "broken links"
_READ_ALREADY = "link to a folder that is read already", "links to folders that are read already"
_HIDDEN = "hidden folder or image", "hidden folders or images"
_UNNAMED = "file without ending", "files without ending"

Identity = tuple[int, int]  # device and number of a file: two names of one file have the same


class ImageFile(NamedTuple):
    """An image by one of its names."""

    path: str
    identity: Identity
    link: bool  # whether the name is a symbolic link, or lies in a linked folder


class Walked(NamedTuple):
    """The result of `walk`."""

    images: list[ImageFile]  # sorted by path; an image with two names is listed twice
    left_out: Mapping[tuple[str, str], int]  # number of files of each kind; a kind is its singular and its plural


def walk(path: Path) -> Walked:
    """Find the images below a folder.

    Links are followed, but no folder is entered twice, and neither `path` itself nor a folder above it is entered by a
    link. A folder's own place comes before the links to it. Pipes, sockets and devices are not opened.

    Raises:
        InputError: A folder or file cannot be read.
    """
    images: list[ImageFile] = []
    left_out: Counter[tuple[str, str]] = Counter()
    try:
        _walk(path, images, left_out)
    except OSError as error:
        raise InputError(f"{disk_error(error)}; make it readable, or move it elsewhere") from None
    return Walked(sorted(images), left_out)


def left_out_sentences(left_out: Mapping[tuple[str, str], int]) -> list[str]:
    """Say how many files were left out, kind by kind: one sentence, or none.

    >>> left_out_sentences({(".heic file", ".heic files"): 2, ("broken link", "broken links"): 1})
    ['Left out: 2 .heic files, 1 broken link.']
    """
    kinds = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{number:,} {names[number > 1]}" for names, number in kinds]
    return [f"Left out: {', '.join(parts)}."] if parts else []


def passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or junk of an operating system."""
    return name.startswith(".") or name.lower().startswith(_JUNK)


def _walk(path: Path, images: list[ImageFile], left_out: Counter[tuple[str, str]]) -> None:
    above = path.resolve()
    entered = {_identity(os.stat(folder)) for folder in (above, *above.parents)}
    folders, links = [(os.fspath(path), False)], list[str]()
    while folders or links:
        if not folders:  # all real folders are known: now the links, in the order of their names
            link = heapq.heappop(links)
            status = _status(link)
            if status is None:
                left_out[_BROKEN] += 1
            elif not stat.S_ISDIR(status.st_mode):
                _take(link, status, True, images, left_out)
            elif _identity(status) in entered:
                left_out[_READ_ALREADY] += 1
            else:
                entered.add(_identity(status))
                folders.append((link, True))
            continue
        folder, linked = folders.pop()
        for entry in _entries(folder, left_out):
            if entry.is_symlink():
                heapq.heappush(links, entry.path)
            elif not entry.is_dir(follow_symlinks=False):
                _take(entry.path, entry.stat(follow_symlinks=False), linked, images, left_out)
            elif _identity(status := entry.stat(follow_symlinks=False)) not in entered:
                entered.add(_identity(status))
                folders.append((entry.path, linked))
            else:
                left_out[_READ_ALREADY] += 1


def _entries(folder: str, left_out: Counter[tuple[str, str]]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not passed_over(entry.name):
                yield entry
            elif not entry.name.lower().startswith(_JUNK) and (
                ending(entry.name) in endings() or entry.is_dir(follow_symlinks=False)
            ):
                left_out[_HIDDEN] += 1


def _take(
    file: str, status: os.stat_result, link: bool, images: list[ImageFile], left_out: Counter[tuple[str, str]]
) -> None:
    kind = ending(file)
    if not stat.S_ISREG(status.st_mode):
        left_out[_SPECIAL] += 1
    elif kind in endings() or (not kind and starts_like_an_image(file)):
        images.append(ImageFile(file, _identity(status), link))
    else:
        left_out[(f"{kind} file", f"{kind} files") if kind else _UNNAMED] += 1


def _status(link: str) -> os.stat_result | None:
    """Status of a link's target; None if it has none, or leads back to itself."""
    try:
        return os.stat(link)
    except PermissionError:
        raise
    except OSError:
        return None


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
