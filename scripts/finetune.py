"""Fine-tune checkpoints on one dataset: the grid on validation, then the best point on test, once for each seed."""

import argparse
import json
from pathlib import Path

import pandas as pd

from pedrank.artefacts import write_csv
from pedrank.command import run
from pedrank.device import prepare
from pedrank.finetune import run_grid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--checkpoints", required=True, nargs="+", type=Path)
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    parser.add_argument(
        "--code", default="", help="digest of the code; a finished run is reused only under the same one"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--runs", required=True, type=Path, help="folder of the finished runs")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="one for each checkpoint")
    arguments = parser.parse_args()
    device = prepare(arguments.threads, arguments.gpu)
    for checkpoint, out in zip(arguments.checkpoints, arguments.out, strict=True):
        runs = run_grid(
            arguments.images,
            checkpoint,
            arguments.runs / checkpoint.stem,
            **arguments.options,
            code=arguments.code,
            device=device,
        )
        write_csv(out, pd.DataFrame(runs))


run(main)
