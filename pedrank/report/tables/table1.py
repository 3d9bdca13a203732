"""Table 1: tau_w by metric, refinement and dataset."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pedrank.evaluation.names import BASE, CONSENSUS, ORACLE, RANDOM, STATIC_RANKER
from pedrank.evaluation.permutation import EXACT_UP_TO, PERMUTATIONS
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def table1(summary: pd.DataFrame) -> Table:
    """Table 1: tau_w by metric and refinement (rows) and dataset (columns), and the mean.

    Args:
        summary: What `pedrank.evaluation.summary.summarise` returns.
    """
    datasets = list(dict.fromkeys(summary["dataset"]))
    methods = methods_of(summary)
    cells = summary.set_index(["metric", "refinement", "dataset"])
    competes = (summary["refinement"] != ORACLE) & (summary["metric"] != RANDOM)
    best = summary[competes].groupby("dataset")["tau_w"].max()
    rows = []
    for (metric, refinement), starts in zip(methods, groups(methods), strict=True):
        of_method = [cells.loc[metric, refinement, dataset] for dataset in datasets]
        printed = tuple(
            _cell(cell, bold=refinement != ORACLE and cell["tau_w"] == best[dataset])
            for cell, dataset in zip(of_method, datasets, strict=True)
        )
        rows.append(Row(text.method(metric, refinement), printed, starts, refinement == ORACLE, refinement != BASE))
    numbers = summary.pivot(index=["metric", "refinement"], columns="dataset", values="tau_w")
    return Table(
        name="Table 1",
        title=f"Weighted Kendall {text.TAU} between scores and accuracies of {summary['n'].iloc[0]} checkpoints",
        head=(("Method", ()), *((text.dataset(dataset), ()) for dataset in datasets)),
        rows=tuple(rows),
        notes=tuple(_notes(summary)),
        numbers=numbers.loc[methods, datasets].reset_index().rename_axis(columns=None),
    )


def methods_of(summary: pd.DataFrame) -> list[tuple[str, str]]:
    """Metric and refinement of each row of a table, in the order of the summary."""
    return list(dict.fromkeys(zip(summary["metric"], summary["refinement"], strict=True)))


def groups(methods: list[tuple[str, str]]) -> list[bool]:
    """Which rows open a group: each metric with its refinements; the baselines, which have none, are one group."""
    before = [None, *(refinement for _, refinement in methods[:-1])]
    return [refinement == BASE and last != BASE for (_, refinement), last in zip(methods, before, strict=True)]


def _cell(cell: pd.Series, bold: bool) -> Cell:
    small = [text.interval(cell["ci_low"], cell["ci_high"])]
    if not np.isnan(cell["difference"]):
        dagger = text.DAGGER if cell["difference_p_holm"] < 0.05 else ""
        small.append(f"({text.difference(cell['difference'])}{dagger})")
    return Cell(
        text=text.tau(cell["tau_w"]),
        value=cell["tau_w"],
        mark=text.significance(cell["p_holm"]),
        bold=bool(bold),
        small=() if np.isnan(cell["tau_w"]) else tuple(small),
    )


def _notes(summary: pd.DataFrame) -> list[str]:
    exact = summary["n"].iloc[0] <= EXACT_UP_TO
    orders = "all orders" if exact else f"{PERMUTATIONS:,} random orders"
    notes = [
        "Higher is better, 1 is a perfect ranking; the best value of a column is bold.",
        "In square brackets: 95% bootstrap interval over checkpoints, the datasets as they are.",
        f"* p < 0.05, ** p < 0.01 against chance: one-sided permutation test over {orders} of the checkpoints, "
        "Holm's correction over the datasets of a row.",
    ]
    if summary["difference"].notna().any():
        notes.append(
            "In parentheses: difference to the same metric on the raw features, on the same checkpoints; "
            f"{text.DAGGER} p < 0.05, two-sided paired permutation test, Holm's correction over the datasets of a row."
        )
    if (summary["metric"] == STATIC_RANKER).any():
        notes.append("Static ranker: mean accuracy on the other datasets. It never looks at the dataset it ranks for.")
    notes.append("Random: a ranking drawn by lot; in square brackets where 95% of such rankings lie.")
    if (summary["refinement"] == CONSENSUS).any():
        notes.append(
            f"{text.LAMDA} by consensus: the value whose ranking agrees best with all rankings by raw features; it "
            "uses scores alone, no accuracy."
        )
        notes.append(
            f"{text.LAMDA} by oracle: on each dataset the value that fits its ground truth best; hindsight, no method, "
            "so never bold."
        )
    if summary["tau_w"].isna().any():
        notes.append(f"{text.UNDEFINED} undefined: all scores, or all accuracies, tie.")
    return notes
