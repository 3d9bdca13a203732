"""Figure 5: decay of the force, and tau_w by the two conditions that stop PED."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pedrank.ablation.grid import study_settings
from pedrank.report import text
from pedrank.report.figures.curves import curves, datasets_of, mark, plot_lines, vary
from pedrank.report.figures.style import COLOURS, REFERENCE, TAU_W, WIDTH, Drawing, look, styled


def figure5(forces: pd.DataFrame, ablation: pd.DataFrame, settings: Mapping[str, Any]) -> Drawing:
    """Draw Figure 5 of a study.

    Args:
        forces: Long table: dataset, checkpoint, lam, dt, step, force_ratio; without early exit.
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same in all rows), tau_w.
        settings: Keyword arguments of `pedrank.ablation.grid.study_settings`.

    Returns:
        The figure, and the table of `figure5_data`.

    Raises:
        InputError: A table has no row with the study's own settings.
    """
    own = study_settings(**settings)
    table = figure5_data(forces, ablation, own)
    return Drawing(table, draw_figure5(table, own))


def figure5_data(forces: pd.DataFrame, ablation: pd.DataFrame, fixed: Mapping[str, float]) -> pd.DataFrame:
    """Collect the force by step, and tau_w by exit ratio and by number of steps.

    Args:
        forces: Long table: dataset, checkpoint, lam, dt, step, force_ratio; without early exit.
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same in all rows), tau_w.
        fixed: The study's own lam, dt, max_steps and exit_ratio; each panel varies one of them and keeps the others.

    Returns:
        Long table: varied ("step", "exit_ratio" or "max_steps"), dataset, metric, x, tau_w, and, for "step", mean, min
        and max of the force over checkpoints.

    Raises:
        InputError: A table has no row with the fixed values.
    """
    ratios = vary(forces, "step", {"lam": fixed["lam"], "dt": fixed["dt"]})
    spans = ratios.groupby(["dataset", "step"], sort=False)["force_ratio"].agg(["mean", "min", "max"]).reset_index()
    spans = spans.rename(columns={"step": "x"}).assign(varied="step")
    columns = ["varied", "dataset", "metric", "x", "tau_w", "mean", "min", "max"]
    lines = curves(ablation, ("exit_ratio", "max_steps"), "tau_w", fixed)
    return pd.concat([lines, spans], ignore_index=True).reindex(columns=columns)


@styled
def draw_figure5(table: pd.DataFrame, fixed: Mapping[str, float]) -> Figure:
    """Draw three panels with a line per dataset.

    Left: force divided by its first value, mean over checkpoints, in a band from the smallest to the largest. Middle
    and right: tau_w by exit ratio and by maximum number of steps.

    Args:
        table: The table of `figure5_data`.
        fixed: The study's own lam, dt, max_steps and exit_ratio.

    Returns:
        The figure.
    """
    datasets = datasets_of(table)
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)

    for index, dataset in enumerate(datasets):
        steps = table[(table["dataset"] == dataset) & (table["varied"] == "step")].sort_values("x")
        left.fill_between(steps["x"], steps["min"], steps["max"], color=COLOURS[index % len(COLOURS)], alpha=0.12, lw=0)
        left.plot(steps["x"], steps["mean"], label=dataset, **look(index))
    left.axhline(fixed["exit_ratio"], color=REFERENCE, linestyle=":", zorder=1, label="the study's setting")
    left.set(xlabel="step", ylabel="force / first force", ylim=(0, None), title="force at each step")

    middle.sharey(right)
    for axes, setting in ((middle, "exit_ratio"), (right, "max_steps")):
        plot_lines(axes, table, setting, "tau_w", datasets)
        mark(axes, fixed[setting])
    middle.set_ylabel(f"{TAU_W} of {text.metric(table['metric'].dropna().iloc[0])}")
    middle.set_title(f"{TAU_W} against exit ratio")
    right.set_title(f"{TAU_W} against number of steps")
    right.tick_params(labelleft=False)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
