"""Figure 7: rank of each checkpoint by a metric before and after PED, against its rank by accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pedrank.evaluation.names import BASE
from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.report import text
from pedrank.report.figures.style import AFTER, BEFORE, REFERENCE, TAU_W, WIDTH, Drawing, styled
from pedrank.utils.errors import InputError

PER_LINE = 3
CROWD = 16  # checkpoints whose names fit below a panel; with more, each panel has a line of its own
ARROW = {"arrowstyle": "-|>", "color": "#555555", "lw": 0.8, "shrinkA": 3, "shrinkB": 1.5, "mutation_scale": 6}


def figure7(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, metric: str, refinement: str, datasets: Sequence[str]
) -> Drawing:
    """Draw Figure 7 of a study.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy.
        metric: The metric that ranks.
        refinement: The refinement to compare with the raw features.
        datasets: Names of the datasets, one panel each.

    Returns:
        The figure, and the table of `figure7_data`.

    Raises:
        InputError: A score is missing.
    """
    table = figure7_data(scores, ground_truth, metric, refinement, datasets)
    return Drawing(table, draw_figure7(table, metric, refinement))


def figure7_data(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, metric: str, refinement: str, datasets: Sequence[str]
) -> pd.DataFrame:
    """Collect the tables of `ranks` of several datasets in one table.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy.
        metric: The metric that ranks.
        refinement: The refinement to compare with the raw features.
        datasets: Names of the datasets.

    Returns:
        The columns of `ranks`, and dataset.

    Raises:
        InputError: A score is missing.
    """
    tables = [ranks(scores, ground_truth, metric, refinement, dataset) for dataset in datasets]
    return pd.concat([table.assign(dataset=name) for table, name in zip(tables, datasets, strict=True)])


@styled
def draw_figure7(table: pd.DataFrame, metric: str, refinement: str) -> Figure:
    """Draw a panel per dataset: checkpoints by accuracy from left to right, ranks by the metric from top to bottom.

    A perfect ranking lies on the diagonal. Arrows lead from the rank on raw features to the rank on refined features.

    Args:
        table: The table of `figure7_data`.
        metric: The metric that ranks.
        refinement: The refinement that is compared with the raw features.

    Returns:
        The figure.
    """
    datasets = list(dict.fromkeys(table["dataset"]))
    per_line = PER_LINE if table.groupby("dataset").size().max() <= CROWD else 1
    lines = -(-len(datasets) // per_line)
    figure = Figure(figsize=(WIDTH, 0.3 + 2.9 * lines), layout="constrained")
    panels = figure.subplots(lines, min(per_line, len(datasets)), squeeze=False).ravel()
    for axes in panels[len(datasets) :]:
        axes.set_axis_off()
    for axes, dataset in zip(panels, datasets, strict=False):
        _panel(axes, table[table["dataset"] == dataset], dataset, text.refinement(refinement))
    panels[0].set_ylabel(f"rank by {text.metric(metric)} (1 = best)")
    figure.supxlabel(
        "checkpoints, sorted by accuracy (best at the left); points on the dashed diagonal are ranked correctly",
        fontsize=8,
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, dataset: str, refined: str) -> None:
    places = range(1, len(table) + 1)
    axes.axline((1, 1), slope=1, color=REFERENCE, linestyle="--", linewidth=1, zorder=1)
    for x, before, after in zip(places, table["before"], table["after"], strict=True):
        if before != after:
            axes.annotate("", (x, after), (x, before), arrowprops=ARROW)
    # Rings around dots: both are visible where a checkpoint keeps its rank.
    axes.plot(places, table["before"], "o", ms=6, mfc="none", color=BEFORE, label="raw features")
    axes.plot(places, table["after"], "o", ms=3, color=AFTER, label=refined)
    accuracies = table["accuracy"].to_numpy()[None]
    taus = [weighted_taus(table[column].to_numpy()[None], accuracies)[0] for column in ("score_before", "score_after")]
    axes.set_title(f"{dataset}: {TAU_W} = {text.tau(taus[0])} \N{RIGHTWARDS ARROW} {text.tau(taus[1])}")
    axes.set_xticks(places, table["checkpoint"], rotation=90)
    axes.set_yticks(places[:: 1 + len(places) // CROWD])
    axes.invert_yaxis()
    axes.grid(axis="x", visible=False)


def ranks(scores: pd.DataFrame, ground_truth: pd.DataFrame, metric: str, refinement: str, dataset: str) -> pd.DataFrame:
    """Rank the checkpoints of a dataset before and after a refinement.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy.
        metric: The metric that ranks.
        refinement: The refinement to compare with the raw features.
        dataset: Name of the dataset.

    Returns:
        One row per checkpoint, best accuracy first: checkpoint, accuracy, score_before, before (rank, 1 = best),
        score_after, after. Checkpoints with the same score share the mean of their ranks.

    Raises:
        InputError: A score is missing.
    """
    of_metric = scores[(scores["dataset"] == dataset) & (scores["metric"] == metric)]
    wide = of_metric.pivot(index="checkpoint", columns="refinement", values="rank_score")
    table = ground_truth[ground_truth["dataset"] == dataset].sort_values(
        ["accuracy", "checkpoint"], ascending=[False, True]
    )[["checkpoint", "accuracy"]]
    for column, name in (("before", BASE), ("after", refinement)):
        table[f"score_{column}"] = wide[name].reindex(table["checkpoint"]).to_numpy()
        table[column] = table[f"score_{column}"].rank(ascending=False)
    unscored = table["checkpoint"][table[["before", "after"]].isna().any(axis=1)]
    if len(unscored):
        raise InputError(
            f"{dataset}: no {metric} score of '{unscored.iloc[0]}', raw or refined; compute the scores again"
        )
    return table.reset_index(drop=True)
