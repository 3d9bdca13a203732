"""Table 1 as published beside Table 1 as measured."""

import argparse
from pathlib import Path

from pedrank.artefacts import read_csv
from pedrank.command import run
from pedrank.report.formats import write
from pedrank.report.published import beside_published


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", required=True, type=Path)
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write(beside_published(read_csv(arguments.summary)), arguments.out)


run(main)
