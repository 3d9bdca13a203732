"""The one exception that stands for bad input."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Bad input: the message is one line that names what is wrong and the remedy.

    Scripts print it as it is and exit with code 1; anything else that is raised is a bug and keeps its traceback.
    """


@contextmanager
def about(file: str | os.PathLike) -> Iterator[None]:
    """Put the file's name before the message of an InputError that does not know where its numbers came from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
