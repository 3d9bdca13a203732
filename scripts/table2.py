"""Table 2: seconds by metric and dataset."""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.artefacts import read_csv
from pedrank.command import run
from pedrank.report.formats import write
from pedrank.report.table2 import table2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write(table2(pd.concat(map(read_csv, arguments.seconds))), arguments.out)


run(main)
