"""Fine-tune checkpoints on one dataset: the grid on validation, then the best point on test, once for each seed."""

import json
from pathlib import Path

from pedrank.artefacts import write_csv, write_json
from pedrank.command import run
from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.protocol import protocol
from pedrank.finetune.study import run_dataset
from pedrank.finetune.table import cost, table


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoints", required=True, nargs="+", type=Path)
    given.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    given.add_argument("--runs", required=True, type=Path, help="folder of the finished runs")
    given.add_argument("--out", required=True, type=Path, help="table of all runs")
    given.add_argument("--cost", required=True, type=Path, help="what was run, and what the whole protocol would be")
    arguments = given.parse_args()
    plan = protocol(arguments.options)
    runs = table(run_dataset(pairs(arguments, *arguments.checkpoints), arguments.runs, plan))
    write_csv(arguments.out, runs)
    write_json(arguments.cost, cost(runs, plan))


run(main)
