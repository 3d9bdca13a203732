"""List the checkpoints of a dataset that need another seed, given the results of the seeds so far."""

import argparse
from pathlib import Path

from pedrank.finetune.grid_search import open_seeds
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json
from pedrank.study.names import files, fill


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", required=True, help=f"{PATTERN}; {{each}} stands for the seed")
    add_study(parser)
    parser.add_argument("--seeds", required=True, nargs="+", help="seeds that have been run")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    accuracies: dict[str, list[float]] = {}
    for seed in arguments.seeds:
        for names, path in files(fill(arguments.tests, {"each": seed}), arguments.study):
            record = read_json(path)
            tested = accuracies.setdefault(names["finetuned"], [])
            tested += [] if record.get("spared") else [record["accuracy"]]
    write_json(arguments.out, {"open": open_seeds(accuracies, len(arguments.seeds))})


run(main)
