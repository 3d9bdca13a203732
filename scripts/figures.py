"""The figures beyond the paper's, in one process: importing Matplotlib takes longer than drawing most of them."""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from pedrank.report.figures import agreement, cost, critical_difference, scatter
from pedrank.report.figures.style import save
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, nargs="+", type=Path, help="baselines among them")
    parser.add_argument("--seconds", required=True, nargs="+", type=Path, help="what each of them cost")
    parser.add_argument("--ground-truth", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument("--summary", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, help="folder; each figure is a PDF, a PNG and its numbers")
    arguments = parser.parse_args()
    scores, seconds, ground_truth = (
        pd.concat(map(read_csv, files)) for files in (arguments.scores, arguments.seconds, arguments.ground_truth)
    )
    summary = read_csv(arguments.summary)
    datasets = list(dict.fromkeys(ground_truth["dataset"]))

    def write(name: str, table: pd.DataFrame, figure: Figure) -> None:
        write_csv(arguments.out / f"{name}.csv", table)
        save(figure, arguments.out / f"{name}.pdf", arguments.out / f"{name}.png")

    for dataset in datasets:
        table = scatter.scatter_data(scores, ground_truth, dataset)
        write(f"scatter-{dataset}", table, scatter.draw_scatter(table, dataset))
    table = critical_difference.critical_difference_data(summary)
    write("critical-difference", table, critical_difference.draw_critical_difference(table))
    table = cost.cost_data(summary, seconds)
    write("cost", table, cost.draw_cost(table, len(datasets)))
    table = agreement.agreement_data(scores, ground_truth)
    write("agreement", table.rename_axis("ranking").reset_index(), agreement.draw_agreement(table, len(datasets)))


run(main)
