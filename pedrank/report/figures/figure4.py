"""Figure 4: what PED gains in tau_w, by radius coefficient lambda and by time step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pedrank.ablation.grid import study_settings
from pedrank.report import text
from pedrank.report.figures.curves import curves, datasets_of, mark, plot_lines
from pedrank.report.figures.style import REFERENCE, TAU_W, WIDTH, Drawing, styled

SETTINGS = ("lam", "dt")


def figure4(ablation: pd.DataFrame, settings: Mapping[str, Any]) -> Drawing:
    """Figure 4 of a study; `settings` are the keyword arguments of `pedrank.ablation.grid.study_settings`."""
    own = study_settings(**settings)
    table = figure4_data(ablation, own)
    return Drawing(table, draw_figure4(table, own))


def figure4_data(ablation: pd.DataFrame, fixed: Mapping[str, float]) -> pd.DataFrame:
    """Gain in tau_w over the raw features: varied, dataset, metric, x (the setting's value), gain.

    Args:
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same everywhere), gain.
        fixed: The study's own lam, dt, max_steps and exit_ratio: each panel varies one of them and keeps the others.
    """
    return curves(ablation, SETTINGS, "gain", fixed)


@styled
def draw_figure4(table: pd.DataFrame, fixed: Mapping[str, float]) -> Figure:
    """A line per dataset; above zero PED helps.

    Args:
        table: What `data` returns.
        fixed: As there.
    """
    datasets, metric = datasets_of(table), text.metric(table["metric"].iloc[0])
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, setting in zip(panels, SETTINGS, strict=True):
        axes.axhline(0, color=REFERENCE, linewidth=0.8, zorder=1)
        plot_lines(axes, table, setting, "gain", datasets)
        mark(axes, fixed[setting])
    panels[0].set_ylabel(f"gain in {TAU_W} of {metric}")
    panels[0].set_title(f"gain by radius ({text.DELTA}t = {fixed['dt']:g})")
    panels[1].set_title(f"gain by time step ({text.LAMDA} = {fixed['lam']:g})")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
