"""Table 1 as it was printed beside Table 1 as it was measured here."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, PED
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.tables.table1 import groups, methods_of


def table1_published(summary: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Measured tau_w, below it the printed one and the difference, wherever the paper prints one.

    The paper has one value per metric "+PED" and does not say how lambda was chosen: every lambda of ours is compared
    with it, and the mean is taken over the datasets that both have.

    Args:
        summary: What `pedrank.evaluation.summary.summarise` returns.
        published: pedrank/published/table1.csv: metric, refinement, dataset, tau_w.
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
        title=f"Weighted Kendall {text.TAU} measured here, as printed in the paper, and the difference",
        head=(("Method", ()), *((text.dataset(name), ()) for name in datasets)),
        rows=tuple(rows),
        notes=(
            "Each cell: measured here, below it as printed by Li et al. (ICCV 2023), and measured less printed.",
            "The paper does not say how it chose its radius coefficient: each of ours is compared with the same value.",
            f"With 12 checkpoints a difference in {text.TAU} of 0.1 is a few pairs that changed places.",
        ),
        numbers=both[["metric", "refinement", "dataset", "measured", "published", "difference"]],
    )


def _cell(cell: pd.Series) -> Cell:
    small = (f"printed {text.tau(cell['published'])}", f"({text.difference(cell['difference'])})")
    return Cell(text.tau(cell["measured"]), cell["measured"], small=small)
