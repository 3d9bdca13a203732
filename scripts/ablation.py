"""Weighted tau of each dataset under each setting of PED."""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.ablation.grid import correlate
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument("--ground-truth", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    scores, ground_truth = (pd.concat(map(read_csv, files)) for files in (arguments.scores, arguments.ground_truth))
    write_csv(arguments.out, correlate(scores, ground_truth))


run(main)
