"""The exception for bad input, and helpers for its messages."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

INSTALLATION = "pip install 'pedrank[workflow]'"  # what the commands need beyond the package
_LONGEST = 2000  # characters of a message


class InputError(ValueError):
    """Bad input: the message is one line that names the mistake and the remedy.

    Scripts print the message and exit with code 1; any other exception is a bug and keeps its traceback. Line breaks
    and control codes of a terminal, which a hostile name may contain, are escaped.

    >>> str(InputError("a\\nb: no such file"))
    'a\\\\nb: no such file'
    """

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))


def _one_line(text: str) -> str:
    """Escape unprintable characters, and cut a long text in the middle: file and remedy are at its ends."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def without(module: str) -> str:
    """The message where a package of the workflow is not installed.

    Args:
        module: Its name in an import.

    >>> without("torch")
    "torch is not installed; run pip install 'pedrank[workflow]'"
    """
    return f"{module} is not installed; run {INSTALLATION}"


@contextmanager
def about(file: str | os.PathLike) -> Iterator[None]:
    """Put a file's name before the message of an InputError raised within the context.

    >>> with about("a.npz"):
    ...     raise InputError("no rows")
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: a.npz: no rows
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def disk_error(error: OSError) -> str:
    """One line for a file that could not be read or written: the file, the reason, and a remedy if the disk is full.

    >>> disk_error(FileNotFoundError(errno.ENOENT, "No such file or directory", "a.npz"))
    'a.npz: No such file or directory'
    """
    where = f"{error.filename}: " if error.filename else ""
    remedy = (
        "; free some space or use another disk, and run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    )
    return f"{where}{error.strerror or error}{remedy}"


def nearest(name: str, known: Collection[str], otherwise: str = "") -> str:
    """Remedy for a misspelt name.

    Args:
        name: The misspelt name.
        known: The right names.
        otherwise: Remedy if no name is near; by default a list of the first 40.

    >>> nearest("logmee", ["logme", "gbc"])
    "did you mean 'logme'?"
    >>> nearest("x", ["logme", "gbc"])
    'choose from gbc, logme'
    """
    near = difflib.get_close_matches(name, known, n=1)
    if near or otherwise:
        return f"did you mean '{near[0]}'?" if near else otherwise
    some = sorted(known)[:40]
    return f"choose from {', '.join(some)}{', ...' if len(known) > len(some) else ''}" if some else "no name is known"


def reason(error: Exception) -> str:
    """Reason of a library's exception, for a message: the first line of its text, or its class.

    >>> reason(ValueError("bad magic\\nmore"))
    'bad magic'
    """
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__
