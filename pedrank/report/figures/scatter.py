"""Scores against accuracies on one dataset: the points behind each tau_w."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pedrank.evaluation.names import BASE
from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.report import text
from pedrank.report.figures.style import REFERENCE, TAU_W, WIDTH, Drawing, look, styled

PER_LINE = 5
LEVEL = 0.95


def scatter(scores: pd.DataFrame, ground_truth: pd.DataFrame) -> dict[str, Drawing]:
    """Draw one figure for each dataset.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy, and sd if known.

    Returns:
        Figures and tables by name, such as "scatter-mnist".
    """
    found = {}
    for dataset in dict.fromkeys(ground_truth["dataset"]):
        table = scatter_data(scores, ground_truth, dataset)
        found[f"scatter-{dataset}"] = Drawing(table, draw_scatter(table, dataset))
    return found


def scatter_data(scores: pd.DataFrame, ground_truth: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Join scores and accuracies of one dataset.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy, and sd if known.
        dataset: Name of the dataset.

    Returns:
        One row per method and checkpoint: metric, refinement, checkpoint, rank_score, accuracy, sd (may be NaN).
    """
    here = scores[scores["dataset"] == dataset]
    truth = ground_truth[ground_truth["dataset"] == dataset].reindex(columns=["checkpoint", "accuracy", "sd"])
    columns = ["metric", "refinement", "checkpoint", "rank_score", "accuracy", "sd"]
    return here.merge(truth, on="checkpoint", validate="many_to_one")[columns]


@styled
def draw_scatter(table: pd.DataFrame, dataset: str) -> Figure:
    """Draw a panel per method: accuracy by score, the least-squares line and its 95 % confidence band.

    Metrics are side by side, with their refinements below; a baseline has one panel. Scores are scaled to the width of
    a panel, since only their order and their spacing mean something.

    Args:
        table: The table of `scatter_data`.
        dataset: Name of the dataset, for the title.

    Returns:
        The figure.
    """
    lines = _lines(table)
    checkpoints = list(dict.fromkeys(table["checkpoint"]))
    rows_of_legend = -(-len(checkpoints) // 5)
    figure = Figure(figsize=(WIDTH, 0.45 + 1.3 * len(lines) + 0.16 * rows_of_legend), layout="constrained")
    columns = max(map(len, lines))
    panels = figure.subplots(len(lines), columns, sharey=True, squeeze=False)
    for line, of_line in zip(panels, lines, strict=True):
        for axes in line[len(of_line) :]:
            axes.set_axis_off()
        for axes, (metric, refinement) in zip(line, of_line, strict=False):
            rows = table[(table["metric"] == metric) & (table["refinement"] == refinement)]
            _panel(axes, rows, text.method(metric, refinement), checkpoints)
        line[0].set_ylabel("accuracy (%)")
    for column in range(columns):  # below the lowest panel of each
        lowest = max(place for place, of_line in enumerate(lines) if column < len(of_line))
        panels[lowest, column].set_xlabel("score \N{RIGHTWARDS ARROW}", fontsize=7)
    spread = "; bars: sd over seeds" if table["sd"].notna().any() else ""
    figure.suptitle(f"{dataset}: accuracy against score; grey: least squares with 95 % band{spread}", fontsize=8)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def regression(scores: np.ndarray, accuracies: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a least-squares line and its 95 % confidence band.

    Args:
        scores: Scores of the checkpoints (n,).
        accuracies: Accuracies of the checkpoints (n,).
        at: Scores at which the line is evaluated (m,).

    Returns:
        The line (m,), and the half-width of its band (m,), NaN for fewer than three checkpoints.

    >>> line, _ = regression(np.array([0.0, 1, 2]), np.array([70.0, 80, 90]), np.array([3.0]))
    >>> line.tolist()
    [100.0]
    """
    from scipy.stats import t

    n, offset = len(scores), scores - scores.mean()
    squares = (offset**2).sum()
    slope = (offset * accuracies).sum() / squares
    line = accuracies.mean() + slope * (at - scores.mean())
    if n < 3:
        return line, np.full(len(at), np.nan)
    residual = accuracies - accuracies.mean() - slope * offset
    variance = (residual**2).sum() / (n - 2)
    spread = np.sqrt(variance * (1 / n + (at - scores.mean()) ** 2 / squares))
    return line, t.ppf((1 + LEVEL) / 2, n - 2) * spread


def _lines(table: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """The methods line by line: up to five metrics, a line for each refinement; then the baselines."""
    refinements = list(dict.fromkeys(table["refinement"]))
    metrics = list(dict.fromkeys(table["metric"]))
    refined = set(table["metric"][table["refinement"] != BASE])
    lines = []
    for group, names in (
        ([metric for metric in metrics if metric in refined], refinements),
        ([metric for metric in metrics if metric not in refined], [BASE]),
    ):
        for start in range(0, len(group), PER_LINE):
            lines += [[(metric, name) for metric in group[start : start + PER_LINE]] for name in names]
    return lines


def _panel(axes: Axes, rows: pd.DataFrame, name: str, checkpoints: Sequence[str]) -> None:
    scores, accuracies = rows["rank_score"].to_numpy(dtype=float), rows["accuracy"].to_numpy(dtype=float)
    if np.ptp(scores) > 0:
        scores = (scores - scores.min()) / np.ptp(scores)  # as they are, some scores are too large or too close to draw
        at = np.linspace(-0.05, 1.05, 50)
        line, half_width = regression(scores, accuracies, at)
        axes.plot(at, line, color=REFERENCE, linewidth=0.8, zorder=1)
        axes.fill_between(at, line - half_width, line + half_width, color=REFERENCE, alpha=0.15, lw=0, zorder=0)
    sd = rows["sd"].fillna(0)
    axes.vlines(scores, accuracies - sd, accuracies + sd, color=REFERENCE, linewidth=0.6, zorder=1)
    for checkpoint, x, y in zip(rows["checkpoint"], scores, accuracies, strict=True):
        axes.plot(x, y, linestyle="", label=checkpoint, **look(checkpoints.index(checkpoint)))
    low, high = accuracies.min(), accuracies.max()
    margin = 0.12 * max(high - low, 0.1)
    axes.set_ylim(low - margin, high + margin)  # a wide band must not flatten the points
    tau = weighted_taus(rows["rank_score"].to_numpy(dtype=float)[None], accuracies[None])[0]
    axes.set_title(f"{name}\n{TAU_W} = {text.tau(tau)}", fontsize=7)
    axes.set_xticks([])
