"""Fine-tune one checkpoint on one dataset once: a grid point on validation, or the chosen point on test.

With --winner, train the winner of a confirmation once more, and keep its weights.
"""

import json
from pathlib import Path

from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.grid_search import chosen_point
from pedrank.runtime.arguments import add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json
from pedrank.store.timing import timing_file


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoint", required=True, type=Path)
    given.add_argument(
        "--training", required=True, type=json.loads, help="JSON: options that all runs of the study share"
    )
    what = given.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--point",
        type=float,
        nargs=2,
        metavar=("RATE", "DECAY"),
        help="train this grid point, and test it on validation images",
    )
    what.add_argument("--chosen", type=Path, help="train the grid point in this file, and test it on test images")
    what.add_argument(
        "--winner",
        type=Path,
        help="JSON of a confirmation; {crop} in --images and {finetuned} in --checkpoint then stand for the winner's, "
        "and --out is a folder",
    )
    given.add_argument("--runs", type=Path, help="with --winner: table of all runs")
    add_study(given)
    given.add_argument("--seed", type=int, help="seed, with --chosen")
    given.add_argument("--open", type=Path, help="list of the checkpoints that need this seed; others are skipped")
    given.add_argument("--out", required=True, type=Path)
    arguments = given.parse_args()
    if arguments.open and arguments.checkpoint.stem not in read_json(arguments.open)["open"]:
        write_json(arguments.out, {"spared": True, "seed": arguments.seed, "stage": "test"})
        write_json(timing_file(arguments.out), {"seconds": 0.0})
        return

    if arguments.winner:
        from pedrank.finetune.kept import keep_winner

        keep_winner(arguments)
        return

    from pedrank.finetune.all_runs import run_point, run_seed  # imports torch, which a skipped seed does not need

    (pair,) = pairs(arguments, arguments.checkpoint)
    if arguments.point:
        run_point(pair, arguments.out, arguments.training, tuple(arguments.point))
    else:
        run_seed(pair, arguments.out, arguments.training, chosen_point(read_json(arguments.chosen)), arguments.seed)


run(main)
