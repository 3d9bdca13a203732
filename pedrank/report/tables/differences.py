"""Paired differences in tau_w between every two methods, as a table."""

from __future__ import annotations

import math

import pandas as pd

from pedrank.evaluation.names import MEAN
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def differences(differences: pd.DataFrame) -> Table:
    """Make the table of differences: tau_w of the row's method minus that of the column's.

    Args:
        differences: Long table of `pedrank.evaluation.method_differences.method_differences`.

    Returns:
        The printed table: differences of the mean over datasets, or on the only dataset.
    """
    datasets = [name for name in dict.fromkeys(differences["dataset"]) if name != MEAN]
    shown = differences[differences["dataset"] == (MEAN if len(datasets) > 1 else datasets[0])]
    names = list(dict.fromkeys([*shown["metric"], *shown["other"]]))
    cells = {}
    for _, row in shown.iterrows():
        mark = text.significance(row["p_holm"])
        cells[row["metric"], row["other"]] = _cell(row["difference"], row["low"], row["high"], mark)
        cells[row["other"], row["metric"]] = _cell(-row["difference"], -row["high"], -row["low"], mark)
    rows = tuple(
        Row(text.metric(name), tuple(cells.get((name, other), Cell("", math.nan)) for other in names), name == names[0])
        for name in names
    )
    where = f"mean over {len(datasets)} datasets" if len(datasets) > 1 else datasets[0]
    return Table(
        name="Differences",
        title=f"Differences in weighted Kendall {text.TAU} between methods, {where}",
        head=(("Method", ()), *((text.metric(name), ("minus",)) for name in names)),
        rows=rows,
        notes=(
            f"Each cell: weighted {text.TAU} of the row's method minus that of the column's method, on the same "
            "checkpoints. Positive: the row's method ranks better.",
            "In square brackets: 95 % bootstrap interval over checkpoints.",
            "* p < 0.05, ** p < 0.01: two-sided paired permutation test, Holm's correction over all pairs of methods.",
        ),
        numbers=differences,
    )


def _cell(difference: float, low: float, high: float, mark: str) -> Cell:
    undefined = math.isnan(difference)
    return Cell(text.difference(difference), difference, mark, small=() if undefined else (text.interval(low, high),))
