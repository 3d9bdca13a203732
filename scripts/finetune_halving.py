"""Choose a checkpoint's grid point on one dataset by successive halving."""

import json
from pathlib import Path

from pedrank.artefacts import write_json
from pedrank.command import run
from pedrank.finetune.arguments import pairs, parser
from pedrank.finetune.choice import chosen
from pedrank.finetune.protocol import protocol
from pedrank.finetune.study import search


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--checkpoint", required=True, type=Path)
    given.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block finetune")
    given.add_argument("--runs", required=True, type=Path, help="folder of the finished runs")
    given.add_argument("--all", required=True, type=Path, help="the records of all runs")
    given.add_argument("--out", required=True, type=Path, help="the chosen grid point")
    arguments = given.parse_args()
    (pair,) = pairs(arguments, arguments.checkpoint)
    records, finalists = search(pair, arguments.runs, protocol(arguments.options))
    write_json(arguments.all, {"runs": records})
    write_json(arguments.out, chosen(finalists))


run(main)
