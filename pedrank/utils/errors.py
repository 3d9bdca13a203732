"""The one exception that stands for bad input."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

_LONGEST = 2000  # characters of a message


class InputError(ValueError):
    """Bad input: the message is one line that names what is wrong and the remedy.

    Scripts print it as it is and exit with code 1; anything else that is raised is a bug and keeps its traceback. Line
    breaks and a terminal's control codes, which a hostile name may bring along, are shown by their escapes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))


def _one_line(text: str) -> str:
    """Printable characters only; of a text that is too long, beginning and end, where file and remedy stand."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


@contextmanager
def about(file: str | os.PathLike) -> Iterator[None]:
    """Put the file's name before the message of an InputError that does not know where its numbers came from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def disk_error(error: OSError) -> str:
    """One line for a file that could not be read or written: which, why, and what to do where the disk is full."""
    where = f"{error.filename}: " if error.filename else ""
    remedy = (
        "; free some space, or work on another disk, and run again"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else ""
    )
    return f"{where}{error.strerror or error}{remedy}"


def nearest(name: str, known: Collection[str], otherwise: str = "") -> str:
    """The remedy for a misspelt name: the nearest of `known`, else `otherwise`, or which there are."""
    near = difflib.get_close_matches(name, known, n=1)
    if near or otherwise:
        return f"did you mean '{near[0]}'?" if near else otherwise
    some = sorted(known)[:40]
    return f"choose from {', '.join(some)}{', ...' if len(known) > len(some) else ''}" if some else "there is none"


def reason(error: Exception) -> str:
    """Why a library failed, for the inside of a message: the first line of what it says, or its name."""
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__
