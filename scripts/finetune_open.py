"""Say which checkpoints of a dataset still need a seed, from the seeds that all of them have had."""

import argparse
from pathlib import Path

from pedrank.artefacts import read_json, write_json
from pedrank.command import run
from pedrank.finetune.choice import open_seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--tests", required=True, nargs="+", type=Path, help="by seed, and by checkpoint within a seed")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    records = [read_json(path) for path in arguments.tests]
    count = len(arguments.checkpoints)
    accuracies = {
        name: [record["accuracy"] for record in records[position::count] if not record.get("spared")]
        for position, name in enumerate(arguments.checkpoints)
    }
    write_json(arguments.out, {"open": open_seeds(accuracies, len(records) // count)})


run(main)
