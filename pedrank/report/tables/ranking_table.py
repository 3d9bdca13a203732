"""A ranking without ground truth, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def ranking_table(found: Mapping[str, Any], numbers: pd.DataFrame) -> Table:
    """Make the table of one dataset's ranking, the best checkpoint first.

    Args:
        found: The JSON file of scripts/ranking.py: dataset, metric, refinement, halves, others.
        numbers: Table of `pedrank.ranking.ranking.rank`.

    Returns:
        The printed table.
    """
    others = found["others"]
    rows = []
    for place, row in enumerate(numbers.to_dict("records")):
        cells = [
            Cell(f"{row['rank']}", -row["rank"], bold=row["rank"] == 1),
            Cell(f"{row['score']:.4g}".replace("-", text.MINUS), row["score"]),
            Cell(text.share(row["first"]), row["first"]),
            Cell(f"{row['rank_low']:g}{text.UNDEFINED}{row['rank_high']:g}", -row["rank_high"]),
            *(Cell(f"{row[f'rank_{name}']}", -row[f"rank_{name}"], bold=row[f"rank_{name}"] == 1) for name in others),
            Cell(f"{row['features']}", row["features"]),
            Cell(text.seconds(row["seconds"]), -row["seconds"]),
        ]
        rows.append(Row(row["checkpoint"], tuple(cells), starts=place == 0))
    name = text.method(found["metric"], found["refinement"])
    return Table(
        name=found["dataset"],
        title=f"Checkpoints ranked by {name}, without fine-tuning",
        head=(
            ("Checkpoint", ()),
            ("Rank", ()),
            (name, ("score",)),
            ("First", ("of halves",)),
            ("Rank", ("of halves",)),
            *((text.metric(other), ("rank",)) for other in others),
            ("Features", ()),
            ("Seconds", ("of all scores",)),
        ),
        rows=tuple(rows),
        notes=(
            f"First (of halves): share of {found['halves']} random halves of the images on which the checkpoint ranks "
            "first by the same metric. Rank (of halves): 5th to 95th percentile of its rank on these halves.",
            "The other metrics use the features without PED. Checkpoints with the same score share the best of their "
            "ranks.",
            "Seconds: time to compute all scores of the checkpoint, without extracting its features.",
        ),
        numbers=numbers,
    )
