"""Figure 7: ranks by one metric before and after a refinement, against the rank by accuracy."""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.report.figures.figure7 import draw_figure7, figure7_data
from pedrank.report.figures.style import save
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument("--ground-truth", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument("--datasets", required=True, nargs="+")
    parser.add_argument("--metric", required=True)
    parser.add_argument("--refinement", required=True)
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--pdf", required=True, type=Path)
    parser.add_argument("--png", required=True, type=Path)
    arguments = parser.parse_args()
    scores, ground_truth = (pd.concat(map(read_csv, files)) for files in (arguments.scores, arguments.ground_truth))
    table = figure7_data(scores, ground_truth, arguments.metric, arguments.refinement, arguments.datasets)
    write_csv(arguments.csv, table)
    save(draw_figure7(table, arguments.metric, arguments.refinement), arguments.pdf, arguments.png)


run(main)
