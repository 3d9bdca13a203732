"""The frame of every script: bad input becomes one line, and the script ends when its workflow does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from pedrank.runtime.lock import die_with
from pedrank.utils.errors import InputError, disk_error


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`.

    An InputError or a failing disk is printed to stderr as one line, with exit code 1.
    """
    if "PEDRANK_HEAD" in os.environ:  # set by the Snakefile: process id of the workflow
        die_with(int(os.environ["PEDRANK_HEAD"]))
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {disk_error(error)}")
