"""All runs of a dataset as one table."""

import argparse
import json
from pathlib import Path

from pedrank.artefacts import read_json, write_csv, write_json
from pedrank.command import run
from pedrank.finetune.protocol import protocol
from pedrank.finetune.table import cost, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--validation", required=True, nargs="+", type=Path, help="one list of records per checkpoint")
    parser.add_argument("--tests", required=True, nargs="+", type=Path, help="by checkpoint, and by seed within one")
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    parser.add_argument("--out", required=True, type=Path, help="table of all runs")
    parser.add_argument("--cost", required=True, type=Path, help="what was run, and what the whole protocol would be")
    arguments = parser.parse_args()
    plan = protocol(arguments.options)
    seeds = len(plan.seeds)
    records = {
        name: read_json(path) + [read_json(test) for test in arguments.tests[i * seeds : (i + 1) * seeds]]
        for i, (name, path) in enumerate(zip(arguments.checkpoints, arguments.validation, strict=True))
    }
    runs = table(records)
    write_csv(arguments.out, runs)
    write_json(arguments.cost, cost(runs, plan))


run(main)
