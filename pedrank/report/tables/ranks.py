"""The checkpoints of one dataset: accuracy, and rank by each metric."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def ranks(scores: pd.DataFrame, ground_truth: pd.DataFrame, dataset: str) -> Table:
    """Make the table of accuracies and of ranks by each metric on the raw features, the most accurate first.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy, sd.
        dataset: Name of the dataset.

    Returns:
        The printed table.
    """
    truth = ground_truth[ground_truth["dataset"] == dataset].sort_values("accuracy", ascending=False, kind="stable")
    raw = scores[(scores["dataset"] == dataset) & (scores["refinement"] == BASE)]
    metrics = list(dict.fromkeys(raw["metric"]))
    by_metric = raw.pivot(index="checkpoint", columns="metric", values="rank_score").rank(ascending=False)
    rows = []
    for place, (checkpoint, accuracy, sd) in enumerate(
        zip(truth["checkpoint"], truth["accuracy"], truth["sd"], strict=True)
    ):
        places = [float(by_metric.loc[checkpoint, metric]) for metric in metrics]
        cells = [Cell(f"{rank:g}", -rank, bold=rank == 1) for rank in places]
        rows.append(Row(checkpoint, (Cell(text.accuracy(accuracy, sd), accuracy), *cells), starts=place == 0))
    numbers = truth[["checkpoint", "accuracy", "sd"]].merge(by_metric.reset_index(), on="checkpoint")
    return Table(
        name=dataset,
        title="Accuracy after fine-tuning, and rank by each metric without PED",
        head=(("Checkpoint", ()), ("Accuracy", ("%",)), *((text.metric(metric), ("rank",)) for metric in metrics)),
        rows=tuple(rows),
        notes=("1 = ranked first. Checkpoints with the same score share the mean of their ranks.",),
        numbers=numbers,
    )
