"""Agreement of the rankings with each other and with the accuracies."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pedrank.evaluation.names import BASE
from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.report import text
from pedrank.report.figures.style import DIVERGING, TAU_W, Drawing, styled

TRUTH = "accuracy"
CELL = 0.255  # inches
MOST = 20  # rankings that fit on a page; of more, only those on raw features are shown


def agreement(scores: pd.DataFrame, ground_truth: pd.DataFrame) -> Drawing:
    """Draw the agreement between all rankings of a study.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy.

    Returns:
        The figure, and the table of `agreement_data`.
    """
    table = agreement_data(scores, ground_truth)
    drawn = draw_agreement(table, ground_truth["dataset"].nunique())
    return Drawing(table.rename_axis("ranking").reset_index(), drawn)


def agreement_data(scores: pd.DataFrame, ground_truth: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean tau_w over datasets between every two rankings, the ranking by accuracy included.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy.

    Returns:
        Square table (M, M) with the printed names as index and columns; NaN where tau_w is undefined on every dataset.
    """
    if scores.groupby(["metric", "refinement"]).ngroups >= MOST:
        scores = scores[scores["refinement"] == BASE]
    methods = list(zip(scores["metric"], scores["refinement"], strict=True))
    printed = {method: text.method(*method) for method in set(methods)}
    everything = pd.concat(
        [
            ground_truth.assign(name=TRUTH, rank_score=ground_truth["accuracy"]),
            scores.assign(name=[printed[method] for method in methods]),
        ]
    )
    names = list(dict.fromkeys(everything["name"]))
    squares = []
    for _, rows in everything.groupby("dataset", sort=False):
        values = rows.pivot(index="name", columns="checkpoint", values="rank_score").loc[names].to_numpy(dtype=float)
        squares.append([weighted_taus(row[None], values) for row in values])
    stacked = np.array(squares)
    defined = np.isfinite(stacked)
    total = np.where(defined, stacked, 0).sum(axis=0)
    mean = np.divide(total, defined.sum(axis=0), out=np.full_like(total, np.nan), where=defined.any(axis=0))
    return pd.DataFrame(mean, index=names, columns=names)


@styled
def draw_agreement(table: pd.DataFrame, datasets: int) -> Figure:
    """Draw a heat map with the value in each cell; the first row compares with the accuracies.

    Args:
        table: The table of `agreement_data`.
        datasets: Number of datasets that the mean is taken over.

    Returns:
        The figure.
    """
    size = len(table)
    figure = Figure(figsize=(1.85 + CELL * size, 1.4 + CELL * size), layout="compressed")
    axes = figure.subplots()
    values = table.to_numpy()
    picture = axes.imshow(values, cmap=DIVERGING, vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            light = abs(value) > 0.6
            axes.text(
                column, row, text.short_tau(value), ha="center", va="center", fontsize=6, color="w" if light else "k"
            )
    axes.set_xticks(range(size), table.columns, rotation=90)
    axes.set_yticks(range(size), table.index)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title("agreement between rankings; first row: with the accuracies")
    over = f"mean over {datasets} datasets" if datasets > 1 else "one dataset"
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, aspect=25)
    bar.set_label(f"{TAU_W} between two rankings, {over}")
    bar.outline.set_visible(False)
    return figure
