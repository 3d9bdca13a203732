"""Critical-difference diagram: which methods rank better than others across datasets."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pedrank.evaluation.names import CONSENSUS, MEAN, ORACLE, RANDOM
from pedrank.report import text
from pedrank.report.figures.style import REFERENCE, TAU_W, WIDTH, Drawing, styled

ALPHA = 0.05


def critical_difference(summary: pd.DataFrame) -> Drawing:
    """The critical-difference diagram of a study's summary."""
    table = critical_difference_data(summary)
    return Drawing(table, draw_critical_difference(table))


def critical_difference_data(summary: pd.DataFrame) -> pd.DataFrame:
    """Mean rank (1 = highest tau_w) of each method over datasets, and the critical difference; best first.

    Methods of equal tau_w share the mean of their ranks; an undefined tau_w ranks last. The oracle, chance, and choices
    among the other rows do not compete.
    """
    keep = ~summary["refinement"].isin([ORACLE, CONSENSUS]) & (summary["metric"] != RANDOM)
    rows = summary[keep & (summary["dataset"] != MEAN)]
    wide = rows.pivot(index=["metric", "refinement"], columns="dataset", values="tau_w").fillna(-np.inf)
    ranks = wide.rank(ascending=False).mean(axis=1).rename("mean_rank").sort_values(kind="stable").reset_index()
    return ranks.assign(critical_difference=nemenyi(*wide.shape), datasets=wide.shape[1])


def nemenyi(methods: int, datasets: int) -> float:
    """Nemenyi's: mean ranks further apart than q sqrt(k (k + 1) / (6 N)) differ at the 5 % level.

    k methods, N datasets, q the quantile of the studentised range over sqrt(2) (Demsar 2006, JMLR 7, section 3.2.2). It
    takes the datasets for independent; with the same checkpoints on each they are not quite.
    """
    from scipy.stats import studentized_range

    if methods < 2:
        return math.nan
    q = studentized_range.ppf(1 - ALPHA, methods, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * datasets)))


def cliques(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """First and last of each longest run of sorted ranks that no difference parts; runs of one are left out."""
    runs = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + difference, side="right")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


@styled
def draw_critical_difference(table: pd.DataFrame) -> Figure:
    """Methods on a line of mean ranks, better ones to the left; a bar joins those that cannot be told apart."""
    ranks, count = table["mean_rank"].to_numpy(), len(table)
    difference, left = table["critical_difference"].iloc[0], -(-count // 2)
    bars = cliques(ranks, difference)
    depth = 0.9 + 0.35 * len(bars)  # where the labels begin, in lines of text
    figure = Figure(figsize=(WIDTH, 0.75 + 0.165 * (depth + left)), layout="constrained")
    axes = figure.subplots()
    width = count - 1
    axes.set_xlim(1 - 0.42 * width, count + 0.42 * width)
    axes.set_ylim(depth + left + 0.2, -2.6)
    axes.set_axis_off()
    axes.plot([1, count], [0, 0], color="k", linewidth=0.9)
    step = max(1, count // 10)
    for tick in range(1, count + 1, step):
        axes.plot([tick, tick], [0, -0.25], color="k", linewidth=0.9)
        axes.text(tick, -0.45, str(tick), ha="center", va="bottom", fontsize=7)
    for index, (rank, metric, refinement) in enumerate(zip(ranks, table["metric"], table["refinement"], strict=True)):
        on_left = index < left
        line = depth + (index if on_left else count - 1 - index)
        _label(axes, rank, line, f"{text.method(metric, refinement)}  ({rank:.1f})", on_left, count)
    for place, (first, last) in enumerate(bars):
        axes.plot(ranks[[first, last]] + [-0.05, 0.05], [0.45 + 0.35 * place] * 2, color="#0072B2", linewidth=2.5)
    if difference <= width:
        axes.plot([1, 1 + difference], [-2.0, -2.0], color="#0072B2", linewidth=2.5)
        axes.text(1 + difference + 0.02 * width, -2.0, f"critical difference {difference:.1f}", va="center", fontsize=7)
    else:
        note = f"critical difference {difference:.1f}: more than the whole line"
        axes.text(1, -2.0, note, va="center", fontsize=7)
    count_of = int(table["datasets"].iloc[0])
    over = f"{count_of} dataset{'s' * (count_of > 1)}"
    axes.set_title(f"mean rank by {TAU_W} over {over}, 1 = best; a bar joins what cannot be told apart (p > {ALPHA})")
    return figure


def _label(axes: Axes, rank: float, line: float, label: str, on_left: bool, count: int) -> None:
    width = count - 1
    edge = 1 - 0.04 * width if on_left else count + 0.04 * width
    axes.plot([rank, rank, edge], [0, line, line], color=REFERENCE, linewidth=0.6)
    end = edge + (-0.01 if on_left else 0.01) * width
    axes.text(end, line, label, ha="right" if on_left else "left", va="center", fontsize=7)
