"""Critical-difference diagram: which methods rank better than others across datasets.

Two tests, as Demsar (2006, JMLR 7, section 3.2.2) puts them together: Friedman's test asks whether the methods differ
at all. Only if it says so does Nemenyi's test ask which of them differ.
"""

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
    """Draw the critical-difference diagram of a study.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`: metric, refinement, dataset, tau_w.

    Returns:
        The figure, and the table of `critical_difference_data`.
    """
    table = critical_difference_data(summary)
    return Drawing(table, draw_critical_difference(table))


def critical_difference_data(summary: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean rank (1 = highest tau_w) of each method over datasets, and both tests.

    Methods with the same tau_w share the mean of their ranks; an undefined tau_w ranks last. Left out are the random
    ranking and the rows that choose among other rows: lambda by oracle and by consensus.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`: metric, refinement, dataset, tau_w.

    Returns:
        One row per method, the best first: metric, refinement, mean_rank, critical_difference (the same in all rows),
        datasets (their number), friedman_p (p-value of Friedman's test, the same in all rows; NaN where undefined).
    """
    keep = ~summary["refinement"].isin([ORACLE, CONSENSUS]) & (summary["metric"] != RANDOM)
    rows = summary[keep & (summary["dataset"] != MEAN)]
    wide = rows.pivot(index=["metric", "refinement"], columns="dataset", values="tau_w").fillna(-np.inf)
    ranks = wide.rank(ascending=False)
    table = ranks.mean(axis=1).rename("mean_rank").sort_values(kind="stable").reset_index()
    methods, datasets = ranks.shape
    return table.assign(
        critical_difference=nemenyi(methods, datasets), datasets=datasets, friedman_p=friedman(ranks.to_numpy())
    )


def friedman(ranks: np.ndarray) -> float:
    """Test whether methods differ at all: Friedman's test (Demsar 2006, section 3.2.2), with SciPy's p-value.

    The p-value comes from the chi-squared distribution, which is only approximate for few datasets.

    Args:
        ranks: Rank of each method on each dataset (methods, datasets).

    Returns:
        The p-value of the hypothesis that no method differs from another. NaN for fewer than three methods, for fewer
        than two datasets, and where all methods tie on every dataset.

    >>> round(friedman(np.array([[1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]])), 4)
    0.0183
    """
    from scipy.stats import friedmanchisquare

    methods, datasets = ranks.shape
    if methods < 3 or datasets < 2 or not np.ptp(ranks, axis=0).any():
        return math.nan
    return float(friedmanchisquare(*ranks).pvalue)


def nemenyi(methods: int, datasets: int) -> float:
    """Compute Nemenyi's critical difference: q sqrt(k (k + 1) / (6 N)) for k methods and N datasets.

    Mean ranks that lie further apart differ at the 5 % level. q is the quantile of the studentised range over sqrt(2)
    (Demsar 2006, JMLR 7, section 3.2.2). The test assumes independent datasets. Here they are not quite independent,
    since the same checkpoints are compared on each.

    Args:
        methods: Number of methods, k.
        datasets: Number of datasets, N.

    Returns:
        The critical difference in ranks; NaN for fewer than two methods.

    >>> round(nemenyi(methods=4, datasets=14), 2)
    1.25
    """
    from scipy.stats import studentized_range

    if methods < 2:
        return math.nan
    q = studentized_range.ppf(1 - ALPHA, methods, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * datasets)))


def cliques(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Find the groups of methods that do not differ: runs of ranks that span at most the critical difference.

    Args:
        ranks: Mean ranks in rising order (methods,).
        difference: The critical difference.

    Returns:
        Index of the first and of the last method of each run that no longer run contains; runs of one are left out.

    >>> cliques(np.array([1.0, 2.0, 2.9, 6.0]), 1.0)
    [(0, 1), (1, 2)]
    """
    runs: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + difference, side="right")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


@styled
def draw_critical_difference(table: pd.DataFrame) -> Figure:
    """Draw the methods on a line of mean ranks, better ones to the left; a bar joins those that do not differ.

    If Friedman's test finds no difference (p >= 0.05), one bar joins all methods, the title says so, and no critical
    difference is drawn. Where Friedman's test is undefined, the bars follow Nemenyi's test alone.

    Args:
        table: The table of `critical_difference_data`.

    Returns:
        The figure.
    """
    ranks, count = table["mean_rank"].to_numpy(), len(table)
    difference, left = table["critical_difference"].iloc[0], -(-count // 2)
    friedman_p = float(table["friedman_p"].iloc[0])
    same = friedman_p >= ALPHA
    bars = [(0, count - 1)] if same else cliques(ranks, difference)
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
    if not same:
        _ruler(axes, difference, width)
    count_of = int(table["datasets"].iloc[0])
    over = f"mean rank by {TAU_W} over {count_of} dataset{'s' * (count_of > 1)}, 1 = best"
    if same:
        found = f"Friedman's test finds no difference between the methods ({text.p(friedman_p)})"
    else:
        found = f"a bar joins methods without a significant difference (p > {ALPHA})"
    axes.set_title(f"{over}; {found}")
    return figure


def _ruler(axes: Axes, difference: float, width: int) -> None:
    """The critical difference, to the scale of the line of ranks."""
    if difference <= width:
        axes.plot([1, 1 + difference], [-2.0, -2.0], color="#0072B2", linewidth=2.5)
        axes.text(1 + difference + 0.02 * width, -2.0, f"critical difference {difference:.1f}", va="center", fontsize=7)
    else:
        note = f"critical difference {difference:.1f}: longer than the axis"
        axes.text(1, -2.0, note, va="center", fontsize=7)


def _label(axes: Axes, rank: float, line: float, label: str, on_left: bool, count: int) -> None:
    """A method's name beside the line of ranks, and the line that leads to it."""
    width = count - 1
    edge = 1 - 0.04 * width if on_left else count + 0.04 * width
    axes.plot([rank, rank, edge], [0, line, line], color=REFERENCE, linewidth=0.6)
    end = edge + (-0.01 if on_left else 0.01) * width
    axes.text(end, line, label, ha="right" if on_left else "left", va="center", fontsize=7)
