"""Write one tidy table of all scores of a study, with their costs and the accuracies."""

import argparse

from pedrank.evaluation.per_checkpoint import per_checkpoint
from pedrank.runtime.arguments import PATTERN, add_made_by, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, write_csv, write_json
from pedrank.study.names import paths
from pedrank.study.tables import read_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--scores", "--seconds", "--ground-truth"):
        parser.add_argument(name, required=True, nargs="+", help=PATTERN)
    add_study(parser)
    parser.add_argument("--out", required=True)
    add_made_by(parser)
    arguments = parser.parse_args()
    patterns = [arguments.scores, arguments.seconds, arguments.ground_truth]
    write_csv(arguments.out, per_checkpoint(*(read_tables(each, arguments.study) for each in patterns)))
    write_json(arguments.made_by, provenance({}, paths(sum(patterns, []), arguments.study)))


run(main)
