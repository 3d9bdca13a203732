"""Expected accuracy of ranked checkpoints against their cost, with the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from pedrank.report.figures.style import AFTER, BEFORE, REFERENCE, WIDTH, styled

_AXES = {  # column: its label, and the sign with which a higher value is better
    "images_per_second": ("images per second, as published (log scale); right is faster", 1),
    "gmacs": ("GMACs per image (log scale, reversed); right is cheaper", -1),
    "params_millions": ("parameters in millions (log scale, reversed); right is smaller", -1),
}


@styled
def draw_front(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the value that checkpoints are ordered by against their cost.

    The horizontal axis is the cost that is known for most checkpoints. The line is the Pareto front: no other
    checkpoint is both expected to be as accurate and as cheap.

    Args:
        rows: Checkpoints of the JSON file of scripts/ranking.py: checkpoint, rank, combined, same_as and columns of
            costs.

    Returns:
        The figure. Checkpoints of unknown cost are not in it.
    """
    column = cost_axis(rows)
    table = pd.DataFrame([row for row in rows if row["same_as"] is None and row[column] is not None])
    label, sign = _AXES[column]
    front = pareto_front(table[column] * sign, table["combined"])
    line = table[front].sort_values(column)
    figure = Figure(figsize=(WIDTH * 0.8, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(line[column], line["combined"], color=REFERENCE, linestyle="--", linewidth=0.9, label="Pareto front")
    axes.plot(table[column][~front], table["combined"][~front], "o", color=AFTER, alpha=0.5, label="other checkpoints")
    axes.plot(line[column], line["combined"], "o", color=BEFORE, label="on the front")
    axes.set_xscale("log")
    if sign < 0:
        axes.invert_xaxis()
    middle = np.sqrt(table[column].min() * table[column].max())  # names are set towards the middle of the axis
    for row in line.itertuples():
        side = "right" if (getattr(row, column) - middle) * sign > 0 else "left"
        point = (getattr(row, column), row.combined)
        axes.annotate(row.checkpoint, point, xytext=(0, 5), textcoords="offset points", fontsize=6, ha=side)
    for ticks in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        ticks(LogFormatter(minor_thresholds=(2, 0.5)))
    axes.margins(x=0.15, y=0.12)
    axes.set_xlabel(label)
    axes.set_ylabel("expected accuracy\n(standard deviations)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def cost_axis(rows: Sequence[Mapping[str, Any]]) -> str:
    """Choose the cost that is known for most checkpoints; among equals images per second, GMACs, parameters.

    Args:
        rows: Checkpoints with columns of costs, None where unknown.

    >>> cost_axis([{"images_per_second": None, "gmacs": 4.1, "params_millions": 25.6}])
    'gmacs'
    """
    return max(_AXES, key=lambda column: sum(row[column] is not None for row in rows))


def pareto_front(cheapness: pd.Series, value: pd.Series) -> pd.Series:
    """Mark the checkpoints on the Pareto front.

    Args:
        cheapness: (n,) higher = cheaper.
        value: (n,) higher = better.

    Returns:
        (n,) True where no other checkpoint is at least as good in both and better in one.

    >>> pareto_front(pd.Series([1, 2, 3]), pd.Series([5, 1, 4])).tolist()
    [True, False, True]
    """
    x, y = cheapness.to_numpy(float), value.to_numpy(float)
    as_good = (x[:, None] >= x) & (y[:, None] >= y)  # row: at least as good as column
    better = as_good & ((x[:, None] > x) | (y[:, None] > y))
    return pd.Series(~np.any(better, axis=0), cheapness.index)
