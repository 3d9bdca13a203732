"""Accuracy of each checkpoint on one dataset, from the runs made here."""

import argparse
from pathlib import Path

from pedrank.finetune.ground_truth import from_runs
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--runs", required=True, type=Path, help="table of all runs on the dataset")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    table = from_runs(read_csv(arguments.runs), arguments.checkpoints)
    table.insert(0, "dataset", arguments.dataset)
    write_csv(arguments.out, table)


run(main)
