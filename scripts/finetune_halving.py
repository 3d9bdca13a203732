"""Choose a checkpoint's grid point on one dataset by successive halving."""

import json
from pathlib import Path

from pedrank.finetune.all_runs import search
from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.grid_search import chosen
from pedrank.finetune.protocol import protocol
from pedrank.finetune.runs_table import run_name
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json
from pedrank.store.timing import timing_file


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoint", required=True, type=Path)
    given.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    given.add_argument("--runs", required=True, type=Path, help="folder of the runs; finished ones are reused")
    given.add_argument("--all", required=True, type=Path, help="the records of all runs")
    given.add_argument("--timing", required=True, type=Path, help="the seconds of all runs")
    given.add_argument("--out", required=True, type=Path, help="the chosen grid point")
    arguments = given.parse_args()
    (pair,) = pairs(arguments, arguments.checkpoint)
    plan = protocol(arguments.options)
    records, finalists = search(pair, arguments.runs, plan)
    names = [run_name(record, halving=len(plan.points) > 1) for record in records]
    timings = [read_json(timing_file(arguments.runs / f"{name}.json")) for name in names]
    write_json(arguments.all, {"runs": records})
    write_json(arguments.timing, {"runs": timings})
    write_json(arguments.out, chosen(finalists))


run(main)
