"""Choose the grid point with the highest validation accuracy."""

import argparse
from pathlib import Path

from pedrank.finetune.grid_search import chosen
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json
from pedrank.store.timing import timing_file
from pedrank.study.names import paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, help=f"{PATTERN}: in the order of the grid")
    add_study(parser)
    parser.add_argument("--all", required=True, type=Path, help="the records of all runs")
    parser.add_argument("--timing", required=True, type=Path, help="the seconds of all runs")
    parser.add_argument("--out", required=True, type=Path, help="the chosen grid point")
    arguments = parser.parse_args()
    files = paths([arguments.runs], arguments.study)
    records = [read_json(path) for path in files]
    write_json(arguments.all, {"runs": records})
    write_json(arguments.timing, {"runs": [read_json(timing_file(path)) for path in files]})
    write_json(arguments.out, chosen(records))


run(main)
