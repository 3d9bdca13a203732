"""What trusting each ranking costs: regret, chance of picking the best, other correlations, stability."""

import argparse
from pathlib import Path

from pedrank.artefacts import read_csv
from pedrank.command import run
from pedrank.report.formats import write
from pedrank.report.selection import selection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", required=True, type=Path)
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write(selection(read_csv(arguments.summary)), arguments.out)


run(main)
