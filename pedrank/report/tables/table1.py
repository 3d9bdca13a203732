"""Table 1: tau_w by metric, refinement and dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from pedrank.evaluation.names import BASE, CONSENSUS, IMAGENET, ORACLE, PRIOR, RANDOM, STATIC_RANKER
from pedrank.evaluation.permutation import EXACT_UP_TO, PERMUTATIONS
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def table1(summary: pd.DataFrame, link: Callable[[str, str, str], str] | None = None) -> Table:
    """Make Table 1: tau_w by metric and refinement (rows) and dataset (columns), and the mean.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        link: Names the page that a cell leads to, by metric, refinement and dataset; by default cells have no link.

    Returns:
        The printed table.
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
            _cell(
                cell,
                bold=refinement != ORACLE and cell["tau_w"] == best[dataset],
                link=link(metric, refinement, dataset) if link else "",
            )
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
    """List metric and refinement of each row of a table, in the order of the summary."""
    return list(dict.fromkeys(zip(summary["metric"], summary["refinement"], strict=True)))


def groups(methods: list[tuple[str, str]]) -> list[bool]:
    """Mark the rows that open a group: a metric with its refinements is one group, all baselines are another.

    Args:
        methods: Metric and refinement of each row.

    Returns:
        One bool per row.

    >>> groups([("logme", "none"), ("logme", "ped-0.3"), ("static-ranker", "none"), ("random", "none")])
    [True, False, True, False]
    """
    before = [None, *(refinement for _, refinement in methods[:-1])]
    return [refinement == BASE and last != BASE for (_, refinement), last in zip(methods, before, strict=True)]


def _cell(cell: pd.Series, bold: bool, link: str) -> Cell:
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
        link=link,
    )


def _notes(summary: pd.DataFrame) -> list[str]:
    exact = summary["n"].iloc[0] <= EXACT_UP_TO
    orders = "all orders" if exact else f"{PERMUTATIONS:,} random orders"
    notes = [
        "Higher is better, and 1 is a perfect ranking. The best value of each column is bold.",
        "In square brackets: 95 % bootstrap interval over checkpoints; the datasets are not resampled.",
        f"* p < 0.05, ** p < 0.01 against random rankings: one-sided permutation test over {orders} of the "
        "checkpoints, Holm's correction over the datasets of a row.",
    ]
    if summary["difference"].notna().any():
        notes.append(
            "In parentheses: difference from the same metric without PED; "
            f"{text.DAGGER} p < 0.05, two-sided paired permutation test, Holm's correction over the datasets of a row."
        )
    if (summary["metric"] == IMAGENET).any():
        notes.append(
            "ImageNet accuracy: ranks checkpoints by their published ImageNet top-1 accuracy (of a linear classifier "
            "for self-supervised ones). The ranking is the same for every dataset."
        )
    if (summary["metric"] == PRIOR).any():
        notes.append(
            "Prior: ranks checkpoints by published accuracies on other datasets, as mean z-scores. ImageNet accuracy "
            "is used for a checkpoint without such accuracies."
        )
    if (summary["metric"] == STATIC_RANKER).any():
        notes.append(
            "Static ranker: ranks checkpoints by their mean accuracy on the other datasets. It uses no accuracy of the "
            "dataset that it ranks for."
        )
    notes.append(f"Random: 95 % of random rankings have a weighted {text.TAU} in the interval in square brackets.")
    if (summary["refinement"] == CONSENSUS).any():
        notes.append(
            f"{text.LAMDA} by consensus: the {text.LAMDA} for which the metric's ranking agrees best with the rankings "
            "of all metrics without PED. This choice uses scores and no accuracies."
        )
        notes.append(
            f"{text.LAMDA} by oracle: the {text.LAMDA} with the highest weighted {text.TAU} on each dataset. This is "
            "hindsight and not a method, so its values are never bold."
        )
    if summary["tau_w"].isna().any():
        notes.append(f"{text.UNDEFINED}: undefined, because all scores or all accuracies are the same.")
    return notes
