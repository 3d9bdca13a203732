"""A ranking without ground truth, as a table and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def ranking_table(found: Mapping[str, Any], numbers: pd.DataFrame) -> Table:
    """The ranking of one dataset.

    Args:
        found: What scripts/ranking.py writes as JSON.
        numbers: What `pedrank.ranking.rank` returns.
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
            f"First, of halves: share of {found['halves']} random halves of the images on which the checkpoint comes "
            "first (one metric, other images). Rank, of halves: from the 5th to the 95th percentile.",
            "Other metrics rank the raw features. Checkpoints whose scores tie share the lowest rank.",
            "Seconds: all scores of the checkpoint, its features not included.",
        ),
        numbers=numbers,
    )
