"""tau_w of every method with its interval: a point per dataset, and the mean."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pedrank.evaluation.names import MEAN, ORACLE, RANDOM
from pedrank.report import text
from pedrank.report.figures.style import AFTER, REFERENCE, TAU_W, WIDTH, Drawing, styled


def taus(summary: pd.DataFrame) -> Drawing:
    """Draw tau_w by method, the highest first.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.

    Returns:
        The figure, and the table of `taus_data`.
    """
    table = taus_data(summary)
    return Drawing(table, draw_taus(table))


def taus_data(summary: pd.DataFrame) -> pd.DataFrame:
    """Select tau_w and its interval, methods in the order of their mean (or only) tau_w.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.

    Returns:
        dataset, metric, refinement, tau_w, ci_low, ci_high; without lambda by oracle, which is hindsight.
    """
    table = summary[summary["refinement"] != ORACLE]
    last = table[table["dataset"] == table["dataset"].iloc[-1]]  # the mean, or the only dataset
    order = last.sort_values("tau_w", ascending=False, kind="stable")[["metric", "refinement"]]
    columns = ["dataset", "metric", "refinement", "tau_w", "ci_low", "ci_high"]
    return order.merge(table[columns], on=["metric", "refinement"])[columns]


@styled
def draw_taus(table: pd.DataFrame) -> Figure:
    """Draw a line per method: small dots for datasets, the mean (or only) tau_w, and its 95 % interval.

    The grey band holds 95 % of random rankings.

    Args:
        table: The table of `taus_data`.

    Returns:
        The figure.
    """
    several = (table["dataset"] == MEAN).any()
    last = table[(table["dataset"] == MEAN) | (not several)].reset_index(drop=True)
    chance = last[last["metric"] == RANDOM].iloc[0]
    rows = last[last["metric"] != RANDOM].reset_index(drop=True)
    figure = Figure(figsize=(WIDTH, 0.75 + 0.2 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(chance["ci_low"], chance["ci_high"], color=REFERENCE, alpha=0.15, lw=0)
    axes.axvline(0, color=REFERENCE, linewidth=0.6)
    for place, row in rows.iterrows():
        here = (table["metric"] == row["metric"]) & (table["refinement"] == row["refinement"])
        each = table[here & (table["dataset"] != MEAN)]["tau_w"] if several else []
        axes.plot(each, [place] * len(each), linestyle="", marker="o", markersize=2, color=REFERENCE)
        axes.hlines(place, row["ci_low"], row["ci_high"], color=AFTER, linewidth=1.2)
        axes.plot(row["tau_w"], place, marker="D", color=AFTER)
    axes.set_yticks(
        range(len(rows)), [text.method(*pair) for pair in zip(rows["metric"], rows["refinement"], strict=True)]
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-1.05, 1.05)
    over = "mean over datasets; dots: single datasets" if several else str(rows["dataset"].iloc[0])
    axes.set_xlabel(f"{TAU_W}, {over}; bars: 95 % interval; grey: random rankings")
    return figure
