"""Fine-tune checkpoints on one dataset: the grid on validation, then the best point on test, once per seed.

With --budget, only as many checkpoints and seeds as the time allows: a race that begins from a ranking.
"""

import json
from pathlib import Path

from pedrank.finetune.all_runs import run_dataset
from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.protocol import protocol
from pedrank.finetune.race_runs import race
from pedrank.finetune.runs_table import run_name, runs_cost, runs_seconds, runs_table
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_csv, write_json
from pedrank.store.timing import timing_file
from pedrank.study.names import paths


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoints", required=True, help=PATTERN)
    add_study(given)
    given.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    given.add_argument("--runs", required=True, type=Path, help="folder of the runs; finished ones are reused")
    given.add_argument("--out", required=True, type=Path, help="table of all runs")
    given.add_argument(
        "--cost", required=True, type=Path, help="JSON: runs and steps, beside those of the whole protocol"
    )
    given.add_argument("--seconds", required=True, type=Path, help="table of the seconds of each run")
    given.add_argument("--budget", type=float, help="seconds; {crop} in --images then stands for each network's crop")
    given.add_argument("--ranking", type=Path, help="with --budget: JSON of the ranking")
    given.add_argument("--race", type=Path, help="with --budget: JSON of the outcome")
    arguments = given.parse_args()
    plan = protocol(arguments.options)
    checkpoints = paths([arguments.checkpoints], arguments.study)
    if arguments.budget is None:
        records = run_dataset(pairs(arguments, *checkpoints), arguments.runs, plan)
        halving = plan.halving is not None and len(plan.points) > 1
        names = {name: [run_name(record, halving) for record in runs] for name, runs in records.items()}
    else:
        records, names, outcome = race(arguments, plan, {path.stem: path for path in checkpoints})
        write_json(arguments.race, outcome)
    timings = {
        name: [read_json(timing_file(arguments.runs / name / f"{file}.json")) for file in files]
        for name, files in names.items()
    }
    runs = runs_table(records)
    write_csv(arguments.out, runs)
    write_json(arguments.cost, runs_cost(runs, plan))
    write_csv(arguments.seconds, runs_seconds(records, timings))


run(main)
