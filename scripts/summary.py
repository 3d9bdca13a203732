"""Correlate every metric and refinement with the ground truth, on each dataset and over all datasets."""

import argparse

from pedrank.evaluation.summary import summarise
from pedrank.runtime.arguments import PATTERN, add_made_by, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, write_csv, write_json
from pedrank.study.names import paths
from pedrank.study.tables import read_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, nargs="+", help=PATTERN)
    parser.add_argument("--ground-truth", required=True, nargs="+", help=PATTERN)
    add_study(parser)
    parser.add_argument("--out", required=True)
    add_made_by(parser)
    arguments = parser.parse_args()
    scores, ground_truth = (read_tables(each, arguments.study) for each in (arguments.scores, arguments.ground_truth))
    write_csv(arguments.out, summarise(scores, ground_truth))
    inputs = paths([*arguments.scores, *arguments.ground_truth], arguments.study)
    write_json(arguments.made_by, provenance({"seed": 0}, inputs))


run(main)
