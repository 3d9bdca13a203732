"""Fine-tune one checkpoint on one dataset once: a grid point on validation, or a seed of the chosen point on test."""

import json
from pathlib import Path

from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.grid_search import chosen_point
from pedrank.finetune.runs_table import timing_file
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoint", required=True, type=Path)
    given.add_argument("--training", required=True, type=json.loads, help="JSON: how every run of the study trains")
    what = given.add_mutually_exclusive_group(required=True)
    what.add_argument("--point", type=float, nargs=2, metavar=("RATE", "DECAY"), help="judge this grid point")
    what.add_argument("--chosen", type=Path, help="test the grid point in this file")
    given.add_argument("--seed", type=int, help="of the test")
    given.add_argument("--open", type=Path, help="file with the checkpoints that still need seeds; others are spared")
    given.add_argument("--out", required=True, type=Path)
    arguments = given.parse_args()
    if arguments.open and arguments.checkpoint.stem not in read_json(arguments.open)["open"]:
        write_json(arguments.out, {"spared": True, "seed": arguments.seed, "stage": "test"})
        write_json(timing_file(arguments.out), {"seconds": 0.0})
        return

    from pedrank.finetune.all_runs import run_point, run_seed  # torch, which a spared seed does not need

    (pair,) = pairs(arguments, arguments.checkpoint)
    if arguments.point:
        run_point(pair, arguments.out, arguments.training, tuple(arguments.point))
    else:
        run_seed(pair, arguments.out, arguments.training, chosen_point(read_json(arguments.chosen)), arguments.seed)


run(main)
