"""What every script does around its one call: turn bad input into one line, and end when its workflow does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from pedrank.runtime.lock import die_with
from pedrank.utils.errors import InputError, disk_error


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; an InputError or a failing disk becomes one line on standard error and exit code 1."""
    if "PEDRANK_HEAD" in os.environ:  # set by the Snakefile: the workflow's process
        die_with(int(os.environ["PEDRANK_HEAD"]))
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {disk_error(error)}")
