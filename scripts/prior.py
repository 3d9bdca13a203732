"""Score the checkpoints of one dataset by published accuracies: ImageNet accuracy, and the prior."""

import argparse

from pedrank.catalogue.catalogue import catalogue
from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.prior_rows import prior_scores
from pedrank.runtime.arguments import add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    add_study(parser)
    parser.add_argument("--rows", required=True, nargs="+", help="imagenet-accuracy, prior")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    entries = {name: catalogue("checkpoints")[name] for name in read_yaml(arguments.study)["checkpoints"]}
    write_csv(arguments.out, prior_scores(entries, arguments.dataset, arguments.rows))


run(main)
