"""A confirmed or corrected ranking in sentences, and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def confirmation_table(found: Mapping[str, Any]) -> Table:
    """Accuracy after fine-tuning beside the rank by the scores, the most accurate first."""
    rows = tuple(
        Row(
            entry["checkpoint"],
            (
                Cell(
                    text.accuracy(entry["accuracy"], entry["sd"]),
                    entry["accuracy"],
                    bold=place == 0,
                ),
                Cell(f"{entry['rank']}", -entry["rank"]),
            ),
            starts=place == 0,
        )
        for place, entry in enumerate(found["fine_tuned"])
    )
    return Table(
        name=found["dataset"],
        title="Accuracy after fine-tuning of the checkpoints ranked first",
        head=(("Checkpoint", ()), ("Accuracy", ("%",)), ("Rank", ("by the scores",))),
        rows=rows,
        notes=(f"Mean {text.PLUS_MINUS} standard deviation over seeds, on the test images.",),
        numbers=pd.DataFrame(found["fine_tuned"]),
    )
