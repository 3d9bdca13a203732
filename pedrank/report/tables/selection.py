"""Regret of each ranking: the numbers that a user cares about, as a table."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, RANDOM
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.tables.table1 import groups, methods_of

_COLUMNS = {  # head, unit, how it is printed, and whether the best value is the lowest or the highest
    "regret_1": ("Regret at 1", "points", text.points, "min"),
    "regret_2": ("Regret at 2", "points", text.points, "min"),
    "regret_3": ("Regret at 3", "points", text.points, "min"),
    "relative_1": ("Relative accuracy", "at 1", text.percent, "max"),
    "p_best": ("P(first is best)", "probability", text.share, "max"),
    "kendall_tau": (f"Kendall {text.TAU}", "Eq. 1", text.tau, "max"),
    "spearman": ("Spearman", "rank", text.tau, "max"),
    "fidelity": ("Fidelity", "Pearson", text.tau, "max"),
    "subset_sd": (f"SD of {text.TAU}", "over subsets", text.tau, None),
    "subset_wins": (f"Highest {text.TAU}", "share of subsets", text.share, "max"),
}


def selection(summary: pd.DataFrame) -> Table:
    """Make the table of regret, probability of picking the best, other correlations and stability, by method.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.

    Returns:
        The printed table: means over the datasets, or the values of the only dataset.
    """
    datasets = [name for name in dict.fromkeys(summary["dataset"]) if name != MEAN]
    over = summary[summary["dataset"] == (MEAN if len(datasets) > 1 else datasets[0])]
    methods = methods_of(over)
    cells = over.set_index(["metric", "refinement"])
    competes = over[(over["refinement"] != ORACLE) & (over["metric"] != RANDOM)]
    best = {name: competes[name].agg(which) for name, (*_, which) in _COLUMNS.items() if which}
    rows = []
    for (metric, refinement), starts in zip(methods, groups(methods), strict=True):
        values = cells.loc[(metric, refinement)]
        printed = tuple(
            Cell(
                show(values[name]),
                values[name],
                bold=bool(refinement != ORACLE and metric != RANDOM and values[name] == best.get(name)),
            )
            for name, (_, _, show, _) in _COLUMNS.items()
        )
        rows.append(Row(text.method(metric, refinement), printed, starts, refinement == ORACLE, refinement != BASE))
    where = f"mean over {len(datasets)} datasets" if len(datasets) > 1 else datasets[0]
    return Table(
        name="Regret",
        title=f"Regret of each ranking, {where}",
        head=(("Method", ()), *((head, (unit,)) for head, unit, _, _ in _COLUMNS.values())),
        rows=tuple(rows),
        notes=(
            "Regret at k: accuracy lost, in percentage points, if only the k checkpoints ranked highest are fine-tuned "
            "and the best of these is kept. Relative accuracy: accuracy of the checkpoint ranked first, divided by "
            "the best accuracy.",
            "P(first is best): probability that the checkpoint ranked first is the most accurate one, given the "
            "standard deviations over seeds of fine-tuning.",
            "Fidelity: Pearson's correlation of the differences in score and in accuracy between all pairs of "
            "checkpoints. It equals Pearson's correlation of scores and accuracies.",
            f"SD of {text.TAU}: standard deviation of the weighted {text.TAU} over random subsets of two thirds of "
            f"the checkpoints. Highest {text.TAU}: share of these subsets in which the method has the highest weighted "
            f"{text.TAU}. For the best method, a share far below 100 % means that its lead depends on a few "
            "checkpoints.",
            "Where scores tie, the values are means over all ways of breaking the ties.",
        ),
        numbers=over[["metric", "refinement", *_COLUMNS, "relative_2", "relative_3"]],
    )
