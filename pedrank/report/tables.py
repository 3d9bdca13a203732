"""Tables 1 and 2 of the paper: what stands in each cell.

How a table looks in a file is decided in `markdown`, `latex` and `html`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from pedrank.artefacts import write_csv, write_text
from pedrank.evaluation.names import BASE, ORACLE, STATIC_RANKER
from pedrank.evaluation.permutation import EXACT_UP_TO, PERMUTATIONS
from pedrank.report import text
from pedrank.report.html import html
from pedrank.report.latex import latex
from pedrank.report.markdown import markdown
from pedrank.report.table import Cell, Row, Table

_PRINT = {".md": markdown, ".tex": latex, ".html": html}


def write(table: Table, paths: Iterable[str | os.PathLike]) -> None:
    """Write a table to each path, in the format of its suffix: .csv (the numbers, unrounded), .md, .tex, .html."""
    for path in paths:
        suffix = Path(path).suffix
        if suffix == ".csv":
            write_csv(path, table.numbers)
        else:
            write_text(path, _PRINT[suffix](table))


def table1(summary: pd.DataFrame) -> Table:
    """Table 1: tau_w by metric and refinement (rows) and dataset (columns), and the mean.

    Args:
        summary: What `pedrank.evaluation.summary.summarise` returns.
    """
    datasets = list(dict.fromkeys(summary["dataset"]))
    methods = list(dict.fromkeys(zip(summary["metric"], summary["refinement"], strict=True)))
    cells = summary.set_index(["metric", "refinement", "dataset"])
    best = summary[summary["refinement"] != ORACLE].groupby("dataset")["tau_w"].max()
    rows = []
    for metric, refinement in methods:
        of_method = [cells.loc[metric, refinement, dataset] for dataset in datasets]
        printed = tuple(
            _tau_cell(cell, bold=refinement != ORACLE and cell["tau_w"] == best[dataset])
            for cell, dataset in zip(of_method, datasets, strict=True)
        )
        label = text.metric(metric) + text.refinement(refinement)
        rows.append(Row(label, printed, starts=refinement == BASE, aside=refinement == ORACLE))
    numbers = summary.pivot(index=["metric", "refinement"], columns="dataset", values="tau_w")
    return Table(
        name="Table 1",
        title=f"Weighted Kendall {text.TAU} between scores and accuracies of {summary['n'].iloc[0]} checkpoints",
        head=(("Method", ()), *((text.dataset(dataset), ()) for dataset in datasets)),
        rows=tuple(rows),
        notes=tuple(_notes1(summary)),
        numbers=numbers.loc[methods, datasets].reset_index().rename_axis(columns=None),
    )


def _tau_cell(cell: pd.Series, bold: bool) -> Cell:
    small = [text.interval(cell["ci_low"], cell["ci_high"])]
    if not np.isnan(cell["difference"]):
        certain = cell["difference_low"] > 0 or cell["difference_high"] < 0
        small.append(f"({text.difference(cell['difference'])}{text.DAGGER if certain else ''})")
    return Cell(
        text=text.tau(cell["tau_w"]),
        value=cell["tau_w"],
        mark=text.significance(cell["p_value"]),
        bold=bool(bold),
        small=() if np.isnan(cell["tau_w"]) else tuple(small),
    )


def _notes1(summary: pd.DataFrame) -> list[str]:
    exact = summary["n"].iloc[0] <= EXACT_UP_TO
    orders = "all orders" if exact else f"{PERMUTATIONS:,} random orders"
    notes = [
        "Higher is better, 1 is a perfect ranking; the best value of a column is bold.",
        "In square brackets: 95% bootstrap interval over checkpoints.",
        f"* p < 0.05, ** p < 0.01 against chance: one-sided permutation test over {orders} of the checkpoints, "
        "not corrected for the number of cells.",
    ]
    if summary["difference"].notna().any():
        notes.append(
            "In parentheses: difference to the same metric on the raw features, on the same checkpoints; "
            f"{text.DAGGER} its 95% interval leaves out zero."
        )
    if (summary["metric"] == STATIC_RANKER).any():
        notes.append("Static ranker: mean accuracy on the other datasets. It never looks at the dataset it ranks for.")
    if (summary["refinement"] == ORACLE).any():
        notes.append(
            f"{text.LAMDA} by oracle: on each dataset the value that fits its ground truth best; hindsight, no method, "
            "so never bold."
        )
    if summary["tau_w"].isna().any():
        notes.append(f"{text.UNDEFINED} undefined: all scores, or all accuracies, tie.")
    return notes


def table2(seconds: pd.DataFrame) -> Table:
    """Table 2: seconds to score one checkpoint, by metric (rows) and dataset (columns), and what PED adds.

    Args:
        seconds: Long table: dataset, checkpoint, metric, refinement, seconds, refinement_seconds (what the refinement
            itself cost; empty for "none"), n (scored rows), d (features), c (classes), threads, and device (what it ran
            on, in words).
    """
    datasets = list(dict.fromkeys(seconds["dataset"]))
    raw = seconds[seconds["refinement"] == BASE]
    refined = seconds[seconds["refinement"] != BASE].assign(metric="ped")
    timed = pd.concat([raw, refined.assign(seconds=refined["refinement_seconds"])])
    size = ["n", "d", "c", "threads", "device"]
    numbers = timed.groupby(["metric", "dataset"], sort=False).agg(
        {"seconds": "median", **dict.fromkeys(size, "first")}
    )
    methods = list(dict.fromkeys(timed["metric"]))
    median = numbers["seconds"].unstack("dataset").loc[methods, datasets]
    sizes = raw.groupby("dataset", sort=False)[size].first().loc[datasets]
    rows = [
        Row(text.metric(method), tuple(Cell(text.seconds(value), value) for value in median.loc[method]), starts=starts)
        for starts, method in ((method in (methods[0], "ped"), method) for method in methods)
    ]
    checkpoints = seconds["checkpoint"].nunique()
    machine = sorted({f"{row.threads} thread{'s' * (row.threads > 1)} of {row.device}" for row in sizes.itertuples()})
    return Table(
        name="Table 2",
        title="Seconds to score one checkpoint",
        head=(
            ("Method", ()),
            *(
                (text.dataset(row.Index), (f"N = {row.n:,}", f"D = {row.d:,}", f"C = {row.c:,}"))
                for row in sizes.itertuples()
            ),
        ),
        rows=tuple(rows),
        notes=(
            f"Median over {checkpoints} checkpoints, features already extracted, reading files left out; "
            f"on {'; '.join(machine)}.",
            "N scored rows, D features, C classes.",
            "PED: moving the class centres once. It comes on top of the metric that is computed afterwards.",
        ),
        numbers=numbers.reset_index().rename(columns={"metric": "method"}),
    )
