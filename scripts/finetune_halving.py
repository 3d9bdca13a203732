"""Choose a checkpoint's grid point on one dataset by successive halving."""

import argparse
import json
from pathlib import Path

from pedrank.artefacts import write_json
from pedrank.command import run
from pedrank.device import prepare
from pedrank.finetune.choice import chosen
from pedrank.finetune.protocol import protocol
from pedrank.finetune.run import pair
from pedrank.finetune.state import heed_sigterm
from pedrank.finetune.study import search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--source", type=Path, help="the same images at the size that random crops are taken from")
    parser.add_argument("--metric", required=True, help="the dataset's accuracy, as its card names it")
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    parser.add_argument("--code", default="", help="digest of the code; a run is reused only under the same one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--runs", required=True, type=Path, help="folder of the finished runs")
    parser.add_argument("--all", required=True, type=Path, help="the records of all runs")
    parser.add_argument("--out", required=True, type=Path, help="the chosen grid point")
    arguments = parser.parse_args()
    device = prepare(arguments.threads, arguments.gpu)
    heed_sigterm()
    given = pair(arguments.images, arguments.checkpoint, arguments.metric, arguments.source, arguments.code, device)
    records, finalists = search(given, arguments.runs, protocol(arguments.options))
    write_json(arguments.all, records)
    write_json(arguments.out, chosen(finalists))


run(main)
