"""Table 1 as measured here, compared with Table 1 of the paper."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, PED
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.tables.table1 import groups, methods_of


def table1_published(summary: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Make the table of measured tau_w, the paper's value and the difference, for every value that the paper prints.

    The paper has one value per metric with PED and does not say how lambda was chosen. Every lambda of this study is
    compared with it. The mean is taken over the datasets that both tables have.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        published: The table pedrank/published/table1.csv: metric, refinement, dataset, tau_w.

    Returns:
        The printed table.
    """
    printed = published.rename(columns={"refinement": "as_printed", "tau_w": "published"})
    measured = summary[["dataset", "metric", "refinement", "tau_w"]].rename(columns={"tau_w": "measured"})
    measured["as_printed"] = measured["refinement"].where(~measured["refinement"].str.startswith(PED), "ped")
    both = measured.merge(printed, on=["dataset", "metric", "as_printed"]).drop(columns="as_printed")
    datasets = list(dict.fromkeys(both["dataset"]))
    if len(datasets) > 1:
        means = both.groupby(["metric", "refinement"], sort=False)[["measured", "published"]].mean()
        both = pd.concat([both, means.reset_index().assign(dataset=MEAN)], ignore_index=True)
        datasets.append(MEAN)
    both["difference"] = both["measured"] - both["published"]
    methods = methods_of(both)
    cells = both.set_index(["metric", "refinement", "dataset"])
    rows = [
        Row(
            text.method(*method),
            tuple(_cell(cells.loc[*method, dataset]) for dataset in datasets),
            starts,
            aside=method[1] == ORACLE,
            refined=method[1] != BASE,
        )
        for method, starts in zip(methods, groups(methods), strict=True)
    ]
    return Table(
        name="Table 1, published and measured",
        title=f"Weighted Kendall {text.TAU}: measured here, printed in the paper, and the difference",
        head=(("Method", ()), *((text.dataset(name), ()) for name in datasets)),
        rows=tuple(rows),
        notes=(
            "Each cell: the value measured here; below it the value printed by Li et al. (ICCV 2023), and measured "
            "minus printed.",
            f"The paper does not say how it chose {text.LAMDA}. Every {text.LAMDA} of this study is compared with the "
            "same printed value.",
            f"With 12 checkpoints, a difference of 0.1 in {text.TAU} means that a few pairs of checkpoints changed "
            "places.",
        ),
        numbers=both[["metric", "refinement", "dataset", "measured", "published", "difference"]],
    )


def _cell(cell: pd.Series) -> Cell:
    small = (f"printed {text.tau(cell['published'])}", f"({text.difference(cell['difference'])})")
    return Cell(text.tau(cell["measured"]), cell["measured"], small=small)
