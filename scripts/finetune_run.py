"""Fine-tune one checkpoint on one dataset once: a grid point on validation, or a seed of the chosen point on test."""

import argparse
import json
from pathlib import Path

from pedrank.artefacts import read_json, write_json
from pedrank.command import run
from pedrank.finetune.choice import chosen_point


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--source", type=Path, help="the same images at the size that random crops are taken from")
    parser.add_argument("--metric", required=True, help="the dataset's accuracy, as its card names it")
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--training", required=True, type=json.loads, help="JSON: how every run of the study trains")
    parser.add_argument("--code", default="", help="digest of the code; a run is resumed only under the same one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--point", type=float, nargs=2, metavar=("RATE", "DECAY"), help="judge this grid point")
    what.add_argument("--chosen", type=Path, help="test the grid point in this file")
    parser.add_argument("--seed", type=int, help="of the test")
    parser.add_argument("--open", type=Path, help="file with the checkpoints that still need seeds; others are spared")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    if arguments.open and arguments.checkpoint.stem not in read_json(arguments.open)["open"]:
        write_json(arguments.out, {"spared": True, "seed": arguments.seed, "stage": "test"})
        return

    from pedrank.device import prepare
    from pedrank.finetune.run import pair
    from pedrank.finetune.state import heed_sigterm
    from pedrank.finetune.study import run_point, run_seed

    device = prepare(arguments.threads, arguments.gpu)
    heed_sigterm()
    given = pair(arguments.images, arguments.checkpoint, arguments.metric, arguments.source, arguments.code, device)
    if arguments.point:
        run_point(given, arguments.out, arguments.training, tuple(arguments.point))
    else:
        run_seed(given, arguments.out, arguments.training, chosen_point(read_json(arguments.chosen)), arguments.seed)


run(main)
