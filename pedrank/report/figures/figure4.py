"""Figure 4: gain of PED in tau_w, by radius coefficient lambda and by time step."""

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
    """Draw Figure 4 of a study.

    Args:
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same in all rows), gain.
        settings: Keyword arguments of `pedrank.ablation.grid.study_settings`.

    Returns:
        The figure, and the table of `figure4_data`.

    Raises:
        InputError: The ablation has no row with the study's own settings.
    """
    own = study_settings(**settings)
    table = figure4_data(ablation, own)
    return Drawing(table, draw_figure4(table, own))


def figure4_data(ablation: pd.DataFrame, fixed: Mapping[str, float]) -> pd.DataFrame:
    """Collect the gain in tau_w over the raw features for both panels.

    Args:
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same in all rows), gain.
        fixed: The study's own lam, dt, max_steps and exit_ratio; each panel varies one of them and keeps the others.

    Returns:
        Long table: varied (name of the setting), dataset, metric, x (its value), gain.

    Raises:
        InputError: No row of the ablation has the fixed values.
    """
    return curves(ablation, SETTINGS, "gain", fixed)


@styled
def draw_figure4(table: pd.DataFrame, fixed: Mapping[str, float]) -> Figure:
    """Draw a line per dataset; above zero PED helps.

    Args:
        table: The table of `figure4_data`.
        fixed: The study's own lam, dt, max_steps and exit_ratio.

    Returns:
        The figure.
    """
    datasets, metric = datasets_of(table), text.metric(table["metric"].iloc[0])
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, setting in zip(panels, SETTINGS, strict=True):
        axes.axhline(0, color=REFERENCE, linewidth=0.8, zorder=1)
        plot_lines(axes, table, setting, "gain", datasets)
        mark(axes, fixed[setting])
    panels[0].set_ylabel(f"gain in {TAU_W} of {metric}")
    panels[0].set_title(f"gain against {text.LAMDA} ({text.DELTA}t = {fixed['dt']:g})")
    panels[1].set_title(f"gain against {text.DELTA}t ({text.LAMDA} = {fixed['lam']:g})")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
