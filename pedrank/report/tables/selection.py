"""What trusting each ranking costs: the numbers a user cares about, as a table."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, RANDOM
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.tables.table1 import groups, methods_of

_COLUMNS = {  # head, unit, how it is printed, and whether the best value is the lowest or the highest
    "regret_1": ("Regret at 1", "points", text.points, "min"),
    "regret_3": ("Regret at 3", "points", text.points, "min"),
    "relative_1": ("Relative accuracy", "at 1", text.percent, "max"),
    "p_best": ("Picks the best", "probability", text.share, "max"),
    "kendall_tau": (f"Kendall {text.TAU}", "Eq. 1", text.tau, "max"),
    "spearman": ("Spearman", "rank", text.tau, "max"),
    "pearson": ("Pearson", "linear", text.tau, "max"),
    "subset_sd": (f"Spread of {text.TAU}", "over subsets", text.tau, None),
    "subset_wins": ("Ranks best", "share of subsets", text.share, "max"),
}


def selection(summary: pd.DataFrame) -> Table:
    """Regret, chance of picking the best, the other correlations and stability, by method; the mean over datasets.

    Args:
        summary: What `pedrank.evaluation.summary.summarise` returns.
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
        name="Selection",
        title=f"What trusting each ranking costs, {where}",
        head=(("Method", ()), *((head, (unit,)) for head, unit, _, _ in _COLUMNS.values())),
        rows=tuple(rows),
        notes=(
            "Regret at k: accuracy lost, in percentage points, by fine-tuning the k checkpoints ranked highest and "
            "keeping the best of them, instead of the best of all. Relative accuracy: that of the first over the best.",
            "Picks the best: probability that the first is the most accurate one, over the seeds of fine-tuning.",
            f"Spread of {text.TAU}: standard deviation of the weighted {text.TAU} over random subsets of two thirds of "
            "the checkpoints. Ranks best: share of these subsets in which the method has the highest weighted "
            f"{text.TAU}; a method whose lead hangs on a few checkpoints has a share far below 1.",
            "Scores that tie leave the choice open: the values are means over all ways of breaking the ties.",
        ),
        numbers=over[["metric", "refinement", *_COLUMNS, "relative_3"]],
    )
