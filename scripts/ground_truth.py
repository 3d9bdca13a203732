"""Write the accuracy of each checkpoint on one dataset: from fine-tuning runs, as published, or from a user's table."""

import argparse
import json
from pathlib import Path

from pedrank.finetune.ground_truth import from_file, from_runs, published
from pedrank.formats.yaml_file import read_yaml
from pedrank.runtime.arguments import add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    add_study(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--runs", type=Path, help="table of all runs on the dataset")
    source.add_argument("--known", type=Path, help="table of accuracies: published ones, or the user's")
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's block ground_truth")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    checkpoints = read_yaml(arguments.study)["checkpoints"]
    if arguments.runs:
        table = from_runs(read_csv(arguments.runs), checkpoints)
    elif arguments.options["source"] == "published":
        table = published(arguments.known, arguments.dataset, arguments.options["regime"], checkpoints)
    else:
        table = from_file(arguments.known, arguments.dataset, checkpoints)
    table.insert(0, "dataset", arguments.dataset)
    write_csv(arguments.out, table)


run(main)
