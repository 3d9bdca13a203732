"""The checkpoints that were fine-tuned to confirm a ranking, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def confirmation_table(found: Mapping[str, Any]) -> Table:
    """Make the table of accuracies after fine-tuning and ranks by the scores, the most accurate checkpoint first.

    Args:
        found: Result of `pedrank.ranking.confirm.confirm`, and the dataset's name as "dataset".

    Returns:
        The printed table.
    """
    rows = tuple(
        Row(
            entry["checkpoint"],
            (
                Cell(
                    text.accuracy(entry["accuracy"], entry["sd"]),
                    entry["accuracy"],
                    bold=place == 0,
                ),
                Cell(f"{entry['seeds']}", entry["seeds"]),
                Cell(f"{entry['rank']}", -entry["rank"]),
            ),
            starts=place == 0,
        )
        for place, entry in enumerate(found["fine_tuned"])
    )
    return Table(
        name=found["dataset"],
        title="Accuracy after fine-tuning",
        head=(("Checkpoint", ()), ("Accuracy", ("%",)), ("Seeds", ()), ("Rank", ("before",))),
        rows=rows,
        notes=(f"Accuracy: mean {text.PLUS_MINUS} standard deviation over seeds, on the test images.",),
        numbers=pd.DataFrame(found["fine_tuned"]),
    )
