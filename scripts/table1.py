"""Table 1: weighted tau by metric, refinement and dataset."""

import argparse
from pathlib import Path

from pedrank.artefacts import read_csv
from pedrank.command import run
from pedrank.report.formats import write
from pedrank.report.table1 import table1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", required=True, type=Path)
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write(table1(read_csv(arguments.summary)), arguments.out)


run(main)
