"""A ranking without ground truth, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.sentences.cost_words import COSTS, about_costs, cost_text, known_costs
from pedrank.report.tables.table import Cell, Row, Table

_PRIOR = (
    "Prior: what is known without the features, higher = better. From other datasets: mean z-score of published "
    "accuracies after fine-tuning. From ImageNet accuracy: the mean z-score that this accuracy lets one expect. "
    "Accuracies on the ranked dataset are left out."
)

LAST_HEAD = (("First", ("of halves",)), ("Rank", ("of halves",)), ("Features", ()), ("Seconds", ("of all scores",)))


def ranking_table(found: Mapping[str, Any], numbers: pd.DataFrame) -> Table:
    """Make the table of one dataset's ranking, the best checkpoint first.

    Args:
        found: The JSON file of scripts/ranking.py: dataset, by, metric, refinement, halves, others.
        numbers: Table of `pedrank.ranking.ranking.rank`, with twins (`pedrank.ranking.twins.with_twins`).

    Returns:
        The printed table.
    """
    combined = found["by"] == "combination"
    metrics = [found["metric"], *found["others"]] if combined else found["others"]
    name = text.method(found["metric"], found["refinement"])
    priors = numbers["prior"].notna().any()
    costs = known_costs(numbers.to_dict("records"))
    rows = []
    for place, row in enumerate(numbers.to_dict("records")):
        cells = [
            Cell(f"{row['rank']}", -row["rank"], bold=row["rank"] == 1),
            *(_prior(row) if priors else ()),
            *(() if combined else (_place(row, "combination"), _score(row))),
            *(_place(row, metric) for metric in metrics),
            *last_cells(row),
            *(_cost(row, column) for column in costs),
        ]
        rows.append(Row(label(row), tuple(cells), starts=place == 0))
    return Table(
        name=found["dataset"],
        title=f"Checkpoints ranked by {'prior and features together' if combined else name}, without fine-tuning",
        head=(
            ("Checkpoint", ()),
            ("Rank", ()),
            *((("Prior", ()), ("Prior", ("from",))) if priors else ()),
            *(() if combined else (("Combination", ("rank",)), (name, ("score",)))),
            *((text.metric(metric), ("rank",)) for metric in metrics),
            *LAST_HEAD,
            *((COSTS[column][0].upper() + COSTS[column][1:], ()) for column in costs),
        ),
        rows=tuple(rows),
        notes=(
            *((_PRIOR,) if priors else ()),
            f"First (of halves): share of {found['halves']} random halves of the {found['items']} on which the "
            f"checkpoint ranks first{f' if {name} scores the features' if combined else ' by the same metric'}. "
            "Rank (of halves): 5th to 95th percentile of its rank on these halves.",
            ("The metrics use" if combined else "Combination: prior and features together. The other metrics use")
            + " the features without PED. Checkpoints with the same score share the best of their ranks.",
            "Seconds: time to compute all scores of the checkpoint, without extracting its features.",
            *((about_costs(costs),) if about_costs(costs) else ()),
        ),
        numbers=numbers,
    )


def last_cells(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    """The cells below `LAST_HEAD`."""
    return (
        Cell(text.share(row["first"]), row["first"]),
        Cell(f"{row['rank_low']:g}{text.UNDEFINED}{row['rank_high']:g}", -row["rank_high"]),
        Cell(f"{row['features']}", row["features"]),
        Cell(text.seconds(row["seconds"]), -row["seconds"]),
    )


def label(row: Mapping[str, Any]) -> str:
    """The checkpoint's name, and the one that has the same features."""
    same = f" (same features as {row['same_as']})" if isinstance(row["same_as"], str) else ""
    return f"{row['checkpoint']}{same}"


def _prior(row: Mapping[Any, Any]) -> tuple[Cell, Cell]:
    if pd.isna(row["prior"]):
        return Cell(text.UNDEFINED, -1e9), Cell("unknown", 0)
    return Cell(text.signed(row["prior"]), row["prior"]), Cell(row["prior_from"], 0)


def _cost(row: Mapping[Any, Any], column: str) -> Cell:
    known = column != "licence" and not pd.isna(row[column])
    sign = 1 if column == "images_per_second" else -1  # fewer parameters and GMACs are better
    return Cell(cost_text(column, row[column]), (sign * row[column] if known else -1e9) if column != "licence" else 0)


def _score(row: Mapping[Any, Any]) -> Cell:
    return Cell(f"{row['score']:.4g}".replace("-", text.MINUS), row["score"])


def _place(row: Mapping[Any, Any], name: str) -> Cell:
    rank = row[f"rank_{name}"]
    return Cell(f"{rank}", -rank, bold=rank == 1)
