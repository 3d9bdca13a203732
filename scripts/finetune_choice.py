"""Choose the grid point that was best on validation."""

import argparse
from pathlib import Path

from pedrank.finetune.grid_search import chosen
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, nargs="+", type=Path, help="in the order of the grid")
    parser.add_argument("--all", required=True, type=Path, help="the records of all runs")
    parser.add_argument("--out", required=True, type=Path, help="the chosen grid point")
    arguments = parser.parse_args()
    records = [read_json(path) for path in arguments.runs]
    write_json(arguments.all, {"runs": records})
    write_json(arguments.out, chosen(records))


run(main)
