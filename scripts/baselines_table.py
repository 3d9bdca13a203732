"""Collect the baselines' scores of one dataset and their costs into two tables."""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="of the tables of each checkpoint")
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--scores", required=True, type=Path)
    parser.add_argument("--seconds", required=True, type=Path)
    arguments = parser.parse_args()
    for out, suffix in ((arguments.scores, ".csv"), (arguments.seconds, ".seconds.csv")):
        files = [arguments.folder / f"{checkpoint}{suffix}" for checkpoint in arguments.checkpoints]
        write_csv(out, pd.concat(map(read_csv, files)))


run(main)
