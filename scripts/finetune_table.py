"""All runs of a dataset as one table."""

import argparse
import json
from pathlib import Path

from pedrank.finetune.protocol import protocol
from pedrank.finetune.runs_table import runs_cost, runs_table
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_csv, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--runs", required=True, type=Path, help="folder with one folder of runs for each checkpoint")
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    parser.add_argument("--out", required=True, type=Path, help="table of all runs")
    parser.add_argument("--cost", required=True, type=Path, help="what was run, and what the whole protocol would be")
    arguments = parser.parse_args()
    plan = protocol(arguments.options)
    records = {}
    for name in arguments.checkpoints:
        tests = [read_json(arguments.runs / name / f"test-seed{seed}.json") for seed in plan.seeds]
        records[name] = read_json(arguments.runs / name / "validation.json")["runs"] + tests
    runs = runs_table(records)
    write_csv(arguments.out, runs)
    write_json(arguments.cost, runs_cost(runs, plan))


run(main)
