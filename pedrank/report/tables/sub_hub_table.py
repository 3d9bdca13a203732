"""tau_w of every method on the whole hub and on its sub-hubs, as a table."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, RANDOM
from pedrank.evaluation.sub_hubs import FACTOR
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.tables.table1 import groups, methods_of

ALL = "all"  # name of the whole hub


def sub_hub_table(summary: pd.DataFrame, sub_hubs: pd.DataFrame) -> Table:
    """Make the table of tau_w by method (rows) and sub-hub (columns).

    Args:
        summary: Summary of the whole hub, from `pedrank.evaluation.summary.summarise`.
        sub_hubs: Summaries of the sub-hubs one below the other, with the column sub_hub.

    Returns:
        The printed table: means over the datasets, or the values of the only dataset.
    """
    numbers = pd.concat([summary.assign(sub_hub=ALL), sub_hubs])
    numbers = numbers[["sub_hub", *(name for name in numbers if name != "sub_hub")]]
    last = summary["dataset"].iloc[-1]  # the mean, or the only dataset
    shown = numbers[numbers["dataset"] == last]
    names, methods = list(dict.fromkeys(shown["sub_hub"])), methods_of(shown)
    cells = shown.set_index(["metric", "refinement", "sub_hub"])
    competes = shown[(shown["refinement"] != ORACLE) & (shown["metric"] != RANDOM)]
    best = competes.groupby("sub_hub")["tau_w"].max()
    rows = tuple(
        Row(
            text.method(metric, refinement),
            tuple(
                _cell(cells.loc[(metric, refinement, name)], best[name], refinement != ORACLE and metric != RANDOM)
                for name in names
            ),
            starts,
            refinement == ORACLE,
            refinement != BASE,
        )
        for (metric, refinement), starts in zip(methods, groups(methods), strict=True)
    )
    counts = shown.groupby("sub_hub")["n"].first()
    return Table(
        name="Sub-hubs",
        title=f"Weighted Kendall {text.TAU} on parts of the hub, "
        + ("mean over the datasets" if last == MEAN else str(last)),
        head=(("Method", ()), *((name, (f"{counts[name]} checkpoints",)) for name in names)),
        rows=rows,
        notes=(
            "In square brackets: 95 % bootstrap interval over checkpoints. * p < 0.05, ** p < 0.01 against random "
            "rankings, one-sided permutation test.",
            "Without the largest of each family: of each family with several members, those with the most parameters "
            "are left out.",
            f"Size-matched: checkpoints whose numbers of parameters differ by at most a factor of {FACTOR:g}; the "
            "largest such set first, then the largest one of the rest.",
            f"A metric whose weighted {text.TAU} is much lower here than on all checkpoints has mainly recognised the "
            "size of a network. With few checkpoints, the intervals are wide.",
        ),
        numbers=numbers,
    )


def _cell(cell: pd.Series, best: float, competes: bool) -> Cell:
    undefined = pd.isna(cell["tau_w"])
    return Cell(
        text.tau(cell["tau_w"]),
        cell["tau_w"],
        text.significance(cell["p_value"]),
        bold=bool(competes and cell["tau_w"] == best),
        small=() if undefined else (text.interval(cell["ci_low"], cell["ci_high"]),),
    )
