"""Stability of a ranking: scores of each checkpoint on random halves of the images."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pedrank.report.figures.style import AFTER, BEFORE, COLUMN, REFERENCE, styled


@styled
def draw_stability(ranking: pd.DataFrame, halves: pd.DataFrame, method: str) -> Figure:
    """Draw how far each checkpoint is behind the best, on each half and on all images; the best is at the top.

    Differences are drawn because many scores depend on the number of images. All checkpoints are scored on the same
    halves.

    Args:
        ranking: Table of `pedrank.ranking.ranking.rank`.
        halves: Long table: checkpoint, half, rank_score.
        method: Printed name of the metric, for the axis.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(COLUMN * 1.4, 0.7 + 0.22 * len(ranking)), layout="constrained")
    axes = figure.subplots()
    behind = halves.assign(behind=halves["rank_score"] - halves.groupby("half")["rank_score"].transform("max"))
    for line, row in enumerate(ranking.itertuples()):
        dots, bar = ("a random half", "all of them") if line == 0 else (None, None)
        points = behind["behind"][behind["checkpoint"] == row.checkpoint]
        axes.plot(points, [line] * len(points), ".", color=AFTER, alpha=0.5, label=dots)
        on_all = row.rank_score - ranking["rank_score"].max()
        axes.plot(on_all, line, "|", color=BEFORE, markersize=9, markeredgewidth=1.8, label=bar)
    axes.axvline(0, color=REFERENCE, linewidth=0.6, linestyle="--")
    axes.set_yticks(range(len(ranking)), ranking["checkpoint"])
    axes.set_ylim(len(ranking) - 0.4, -0.6)
    axes.set_xlabel(f"{method} minus the best score on the same half")
    axes.grid(axis="y", visible=False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
