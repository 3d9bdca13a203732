"""Say which checkpoints of a dataset still need a seed, from the seeds that all of them have had."""

import argparse
from pathlib import Path

from pedrank.finetune.grid_search import open_seeds
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--seeds", required=True, nargs="+", type=int, help="that all checkpoints have had")
    parser.add_argument("--runs", required=True, type=Path, help="folder with one folder of runs for each checkpoint")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    accuracies = {}
    for name in arguments.checkpoints:
        records = [read_json(arguments.runs / name / f"test-seed{seed}.json") for seed in arguments.seeds]
        accuracies[name] = [record["accuracy"] for record in records if not record.get("spared")]
    write_json(arguments.out, {"open": open_seeds(accuracies, len(arguments.seeds))})


run(main)
