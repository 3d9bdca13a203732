"""Check whether everything is here that pedrank needs, and say what to do where it is not.

Each line is ok, a warning (something will not work, or will be slow) or a problem (nothing works). Exit code 1 if
there is a problem.
"""

from __future__ import annotations

import argparse
from pathlib import Path

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "problem"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("pedrank-results"), metavar="DIR", help="where results will go: %(default)s"
    )
    parser.add_argument("--offline", action="store_true", help="ask no host of the catalogue")


def run(arguments: argparse.Namespace) -> int:
    from pedrank.cli.doctor_checks import checks

    found = list(checks(arguments.out, arguments.offline))
    for check in found:
        print(f"{MARKS[check.state]}  {check.text}")
    return int(any(check.state == "problem" for check in found))
