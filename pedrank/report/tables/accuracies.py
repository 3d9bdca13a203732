"""The ground truth as a table: accuracy of each checkpoint on each dataset."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pedrank.evaluation.intervals import ASSUMED_SD, seed_errors
from pedrank.evaluation.names import MEAN
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def accuracies(ground_truth: pd.DataFrame) -> Table:
    """Make the table of the accuracies after fine-tuning, by checkpoint (rows) and dataset (columns).

    Args:
        ground_truth: Long table: dataset, checkpoint, accuracy (percent), sd (percentage points, over seeds), seeds;
            sd and seeds may be empty.

    Returns:
        The printed table; a column "Mean" follows several datasets.
    """
    datasets, checkpoints = (list(dict.fromkeys(ground_truth[column])) for column in ("dataset", "checkpoint"))
    means, spreads = (
        ground_truth.pivot(index="checkpoint", columns="dataset", values=column).loc[checkpoints, datasets]
        for column in ("accuracy", "sd")
    )
    if len(datasets) > 1:
        means[MEAN], spreads[MEAN] = means.mean(axis=1), np.nan
    best = means.max()
    rows = [
        Row(
            checkpoint,
            tuple(
                Cell(
                    text.accuracy(means.loc[checkpoint, name], spreads.loc[checkpoint, name]),
                    means.loc[checkpoint, name],
                    bold=bool(means.loc[checkpoint, name] == best[name]),
                )
                for name in means.columns
            ),
            starts=checkpoint == checkpoints[0],
        )
        for checkpoint in checkpoints
    ]
    return Table(
        name="Ground truth",
        title=f"Accuracy of {len(checkpoints)} checkpoints after fine-tuning, in percent",
        head=(("Checkpoint", ()), *((text.dataset(name), ()) for name in means.columns)),
        rows=tuple(rows),
        notes=tuple(_notes(ground_truth)),
        numbers=ground_truth,
    )


def _notes(ground_truth: pd.DataFrame) -> list[str]:
    notes = ["The best value of each column is bold."]
    assumed = [name for name, table in ground_truth.groupby("dataset", sort=False) if seed_errors(table)[1]]
    if len(assumed) < ground_truth["dataset"].nunique():
        seeds = sorted(ground_truth.loc[ground_truth["sd"].notna(), "seeds"].astype(int).unique())
        over = " or ".join(map(str, seeds))
        notes.append(f"After {text.PLUS_MINUS}: standard deviation over {over} seeds (n - 1 in the denominator).")
    if assumed:
        notes.append(
            f"The standard deviation over seeds is unknown on {', '.join(assumed)}. Calculations that "
            f"need it assume {ASSUMED_SD:g} percentage points."
        )
    return notes
