"""The ground truth of all datasets as one table."""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.artefacts import read_csv
from pedrank.command import run
from pedrank.report.accuracies import accuracies
from pedrank.report.formats import write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ground-truth", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write(accuracies(pd.concat(map(read_csv, arguments.ground_truth))), arguments.out)


run(main)
