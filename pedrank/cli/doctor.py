"""Check whether pedrank can run on this machine, and print a remedy for each problem.

Each line is ok, a warning (something will not work, or will be slow) or a problem (nothing works). Exit code 1 if
there is a problem.
"""

from __future__ import annotations

import argparse
from pathlib import Path

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "problem"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank doctor`."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("pedrank-results"),
        metavar="DIR",
        help="folder for results (default: %(default)s)",
    )
    parser.add_argument("--offline", action="store_true", help="do not check connections to download hosts")


def run(arguments: argparse.Namespace) -> int:
    """Print one line per check; 1 if there is a problem, else 0."""
    from pedrank.cli.doctor_checks import checks

    found = list(checks(arguments.out, arguments.offline))
    for check in found:
        print(f"{MARKS[check.state]}  {check.text}")
    return int(any(check.state == "problem" for check in found))
