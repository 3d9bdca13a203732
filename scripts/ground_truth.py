"""Accuracy of each checkpoint on one dataset, from the runs made here."""

import argparse
from pathlib import Path

from pedrank.artefacts import read_csv, write_csv
from pedrank.command import run
from pedrank.ground_truth import from_runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--runs", required=True, nargs="+", type=Path, help="one table for each checkpoint")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    tables = zip(arguments.checkpoints, map(read_csv, arguments.runs), strict=True)
    table = from_runs(dict(tables))
    table.insert(0, "dataset", arguments.dataset)
    write_csv(arguments.out, table)


run(main)
