"""A ranking by real numbers or by several labels per sample, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.tables.ranking_table import LAST_HEAD, label, last_cells
from pedrank.report.tables.table import Cell, Row, Table

_SCORES = {"regression": "R2", "labels": "mAP"}  # of k-NN and linear probe
_MEANT = {
    "regression": "R2: 1 minus the squared error divided by that of the mean target, on samples left out",
    "labels": "mAP: mean over the labels of the average precision, on samples left out",
}


def target_table(found: Mapping[str, Any], numbers: pd.DataFrame) -> Table:
    """Make the table of a ranking, the best checkpoint first.

    Args:
        found: Result of `pedrank.ranking.from_targets.rank_targets`.
        numbers: Its checkpoints, as a table.

    Returns:
        The printed table.
    """
    metrics = [found["metric"], *found["others"]]
    best = {name: numbers[f"score_{name}"].max() for name in metrics}
    rows = []
    for place, row in enumerate(numbers.to_dict("records")):
        cells = (
            Cell(f"{row['rank']}", -row["rank"], bold=row["rank"] == 1),
            *(_score(row[f"score_{name}"], best[name]) for name in metrics),
            *last_cells(row),
        )
        rows.append(Row(label(row), cells, starts=place == 0))
    of_task = _SCORES[found["task"]]
    return Table(
        name=found["dataset"],
        title=f"Checkpoints ranked by {text.metric(found['metric'])}, without fine-tuning",
        head=(
            ("Checkpoint", ()),
            ("Rank", ()),
            *((text.metric(name), ("evidence" if name == "logme" else of_task,)) for name in metrics),
            *LAST_HEAD,
        ),
        rows=tuple(rows),
        notes=(
            "Evidence: log evidence per sample of a linear model with an intercept, for targets divided by their "
            f"standard deviation. {_MEANT[found['task']]}.",
            f"First (of halves): share of {found['halves']} random halves of the samples on which the checkpoint ranks "
            f"first by {text.metric(found['metric'])}. Rank (of halves): 5th to 95th percentile of its rank on these "
            "halves.",
            "Seconds: time to compute all scores of the checkpoint, without extracting its features.",
        ),
        numbers=numbers,
    )


def _score(value: float, best: float) -> Cell:
    return Cell(f"{value:z.3f}".replace("-", text.MINUS), value, bold=value == best)
