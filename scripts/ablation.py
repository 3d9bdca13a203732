"""Compute the weighted tau of each dataset under each setting of PED."""

import argparse

from pedrank.ablation.grid import correlate
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_csv
from pedrank.study.tables import read_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, nargs="+", help=PATTERN)
    parser.add_argument("--ground-truth", required=True, nargs="+", help=PATTERN)
    add_study(parser)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    tables = (read_tables(each, arguments.study) for each in (arguments.scores, arguments.ground_truth))
    write_csv(arguments.out, correlate(*tables))


run(main)
