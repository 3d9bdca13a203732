"""Fine-tune checkpoints on one dataset: the grid on validation, then the best point on test, once for each seed."""

import json
from pathlib import Path

from pedrank.finetune.all_runs import run_dataset
from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.protocol import protocol
from pedrank.finetune.runs_table import runs_cost, runs_table
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_csv, write_json


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoints", required=True, nargs="+", type=Path)
    given.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    given.add_argument("--runs", required=True, type=Path, help="folder of the finished runs")
    given.add_argument("--out", required=True, type=Path, help="table of all runs")
    given.add_argument("--cost", required=True, type=Path, help="what was run, and what the whole protocol would be")
    arguments = given.parse_args()
    plan = protocol(arguments.options)
    runs = runs_table(run_dataset(pairs(arguments, *arguments.checkpoints), arguments.runs, plan))
    write_csv(arguments.out, runs)
    write_json(arguments.cost, runs_cost(runs, plan))


run(main)
