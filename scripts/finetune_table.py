"""Write all runs of a dataset as one table, with their seconds and the share of steps that was saved."""

import argparse
import json
from pathlib import Path

from pedrank.finetune.protocol import protocol
from pedrank.finetune.runs_table import runs_cost, runs_seconds, runs_table
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_csv, write_json
from pedrank.store.timing import timing_file
from pedrank.study.names import files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validations", required=True, help=f"{PATTERN}: all runs on validation")
    parser.add_argument("--tests", required=True, help=f"{PATTERN}: one run per seed")
    add_study(parser)
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    parser.add_argument("--out", required=True, type=Path, help="table of all runs")
    parser.add_argument(
        "--cost", required=True, type=Path, help="JSON: runs and steps, beside those of the whole protocol"
    )
    parser.add_argument("--seconds", required=True, type=Path, help="table of the seconds of each run")
    arguments = parser.parse_args()
    records: dict[str, list] = {}
    timings: dict[str, list] = {}
    for names, path in files(arguments.validations, arguments.study):
        records[names["finetuned"]] = read_json(path)["runs"]
        timings[names["finetuned"]] = read_json(timing_file(path))["runs"]
    for names, path in files(arguments.tests, arguments.study):
        records[names["finetuned"]].append(read_json(path))
        timings[names["finetuned"]].append(read_json(timing_file(path)))
    runs, plan = runs_table(records), protocol(arguments.options)
    write_csv(arguments.out, runs)
    write_json(arguments.cost, runs_cost(runs, plan))
    write_csv(arguments.seconds, runs_seconds(records, timings))


run(main)
