"""Quality of the rankings against the seconds that they cost."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pedrank.evaluation.names import BASE, IMAGENET, MEAN, PRIOR, RANDOM, STATIC_RANKER, WITHOUT_FEATURES
from pedrank.report import text
from pedrank.report.figures.style import COLUMN, MARKERS, REFERENCE, TAU_W, Drawing, colour, look, styled

MOST = 30  # methods that can be told apart; of more, those on raw features are drawn
_LINES = {STATIC_RANKER: "--", IMAGENET: ":", PRIOR: "-."}


def cost(summary: pd.DataFrame, seconds: pd.DataFrame) -> Drawing:
    """Draw quality against cost for a study.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        seconds: Long table: dataset, checkpoint, metric, refinement, seconds, refinement_seconds.

    Returns:
        The figure, and the table of `cost_data`.
    """
    table = cost_data(summary, seconds)
    return Drawing(table, draw_cost(table, datasets_of(summary)))


def cost_data(summary: pd.DataFrame, seconds: pd.DataFrame) -> pd.DataFrame:
    """Collect tau_w and seconds of each method.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        seconds: Long table: dataset, checkpoint, metric, refinement, seconds, refinement_seconds.

    Returns:
        One row per method: metric, refinement, tau_w (mean over datasets), ci_low, ci_high, seconds (median over
        checkpoints, mean over datasets, the refinement included; NaN for baselines, which read no features).
    """
    last = summary["dataset"].iloc[-1]  # the mean, or the only dataset
    taus = summary[summary["dataset"] == last][["metric", "refinement", "tau_w", "ci_low", "ci_high"]]
    total = seconds["seconds"] + seconds["refinement_seconds"].fillna(0)
    costs = seconds.assign(seconds=total).groupby(["dataset", "metric", "refinement"])["seconds"].median()
    costs = costs.groupby(["metric", "refinement"]).mean().reset_index()
    without = taus["metric"].isin(WITHOUT_FEATURES)
    return taus.merge(costs, how="left", on=["metric", "refinement"])[
        lambda table: table["seconds"].notna() | without.to_numpy()
    ]


@styled
def draw_cost(table: pd.DataFrame, datasets: int) -> Figure:
    """Draw tau_w and its interval by seconds: a colour per metric, a marker per refinement.

    Horizontal lines are rankers that read no features: static ranker, ImageNet accuracy, prior. The grey band holds
    95 % of random rankings. Of more than 30 methods, only those on raw features are drawn, and the title says so.

    Args:
        table: The table of `cost_data`.
        datasets: Number of datasets that the mean is taken over.

    Returns:
        The figure.
    """
    title = "quality against cost"
    crowded = table["seconds"].notna().sum() > MOST
    if crowded:
        table = table[table["refinement"] == BASE]
        title = f"{title} (raw features; the CSV has all)"
    metrics = list(dict.fromkeys(table["metric"][table["seconds"].notna()]))
    refinements = list(dict.fromkeys(table["refinement"]))
    lines = -(-(len(table) + 1) // 2)  # of the legend
    figure = Figure(figsize=(COLUMN, 2.4 + 0.12 * max(lines, 10)), layout="constrained")
    axes = figure.subplots()
    chance = table[table["metric"] == RANDOM].iloc[0]
    axes.axhspan(
        chance["ci_low"], chance["ci_high"], color=REFERENCE, alpha=0.12, lw=0, label="95 % of random rankings"
    )
    for row in table[table["metric"].isin(_LINES)].itertuples():
        name = text.metric(row.metric)
        axes.axhline(
            row.tau_w, color=REFERENCE, linestyle=_LINES[row.metric], linewidth=0.9, label=f"{name} (no features)"
        )
    for row in table[table["seconds"].notna()].itertuples():
        number = metrics.index(row.metric)
        tint = look(number)["color"] if crowded else colour(number)
        marker = look(number)["marker"] if crowded else MARKERS[refinements.index(row.refinement) % len(MARKERS)]
        axes.plot([row.seconds] * 2, [row.ci_low, row.ci_high], color=tint, alpha=0.35, linewidth=0.9)
        axes.plot(
            row.seconds,
            row.tau_w,
            linestyle="",
            color=tint,
            marker=marker,
            markerfacecolor=tint if row.refinement == BASE else "white",
            label=text.method(row.metric, row.refinement),
        )
    axes.set_title(f"{title}\nbars: 95 % intervals over checkpoints", fontsize=7)
    axes.set_xscale("log")
    axes.set_xlabel("seconds to score one checkpoint (log scale)")
    axes.set_ylabel(f"{TAU_W}, {'mean over ' + str(datasets) + ' datasets' if datasets > 1 else 'one dataset'}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=6)
    return figure


def datasets_of(summary: pd.DataFrame) -> int:
    """Count the datasets of a summary; the row of the mean is no dataset."""
    return len(set(summary["dataset"]) - {MEAN})
