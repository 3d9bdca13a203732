"""Start a script of the workflow so that Ctrl-C ends it at once and in silence, even while it imports packages.

The shell in which Snakemake starts a job ignores SIGINT (rules/common.smk), and so does Python until this file asks for
the system's default: end the process. Snakemake reports the interruption; files under their final names are whole.
"""

from __future__ import annotations

import runpy
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the script named by the first argument, with the other arguments."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
