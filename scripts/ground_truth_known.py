"""Accuracy of each checkpoint on one dataset, as published or from the user's own table."""

import argparse
import json
from pathlib import Path

from pedrank.finetune.ground_truth import from_file, published
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block ground_truth")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    if arguments.options["source"] == "published":
        table = published(arguments.dataset, arguments.options["regime"], arguments.checkpoints)
    else:
        table = from_file(Path(arguments.options["file"]), arguments.dataset, arguments.checkpoints)
    table.insert(0, "dataset", arguments.dataset)
    write_csv(arguments.out, table)


run(main)
