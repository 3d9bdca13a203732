"""Figure 5: how fast the force decays, and what the two end conditions do to tau_w."""

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
    """Figure 5 of a study; `settings` are the keyword arguments of `pedrank.ablation.grid.study_settings`."""
    own = study_settings(**settings)
    table = figure5_data(forces, ablation, own)
    return Drawing(table, draw_figure5(table, own))


def figure5_data(forces: pd.DataFrame, ablation: pd.DataFrame, fixed: Mapping[str, float]) -> pd.DataFrame:
    """Force by step (varied = "step": mean, min and max over checkpoints) and tau_w by exit ratio and number of steps.

    Args:
        forces: Long table: dataset, checkpoint, lam, dt, step, force_ratio; without early exit.
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same everywhere), tau_w.
        fixed: The study's own lam, dt, max_steps and exit_ratio: each panel varies one of them and keeps the others.
    """
    ratios = vary(forces, "step", {"lam": fixed["lam"], "dt": fixed["dt"]})
    spans = ratios.groupby(["dataset", "step"], sort=False)["force_ratio"].agg(["mean", "min", "max"]).reset_index()
    spans = spans.rename(columns={"step": "x"}).assign(varied="step")
    columns = ["varied", "dataset", "metric", "x", "tau_w", "mean", "min", "max"]
    lines = curves(ablation, ("exit_ratio", "max_steps"), "tau_w", fixed)
    return pd.concat([lines, spans], ignore_index=True).reindex(columns=columns)


@styled
def draw_figure5(table: pd.DataFrame, fixed: Mapping[str, float]) -> Figure:
    """Left: force over its first value, the mean over checkpoints in a band from the least to the largest.

    Middle and right: tau_w by exit ratio and by maximum number of steps. A line per dataset everywhere.

    Args:
        table: What `data` returns.
        fixed: As there.
    """
    datasets = datasets_of(table)
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)

    for index, dataset in enumerate(datasets):
        steps = table[(table["dataset"] == dataset) & (table["varied"] == "step")].sort_values("x")
        left.fill_between(steps["x"], steps["min"], steps["max"], color=COLOURS[index % len(COLOURS)], alpha=0.12, lw=0)
        left.plot(steps["x"], steps["mean"], label=dataset, **look(index))
    left.axhline(fixed["exit_ratio"], color=REFERENCE, linestyle=":", zorder=1, label="the study's setting")
    left.set(xlabel="step", ylabel="force / first force", ylim=(0, None), title="force by step")

    middle.sharey(right)
    for axes, setting in ((middle, "exit_ratio"), (right, "max_steps")):
        plot_lines(axes, table, setting, "tau_w", datasets)
        mark(axes, fixed[setting])
    middle.set_ylabel(f"{TAU_W} of {text.metric(table['metric'].dropna().iloc[0])}")
    middle.set_title("ranking by exit ratio")
    right.set_title("ranking by number of steps")
    right.tick_params(labelleft=False)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
