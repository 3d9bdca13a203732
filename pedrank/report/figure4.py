"""Figure 4: what PED gains in tau_w, by radius coefficient lambda and by time step."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from pedrank.report import text
from pedrank.report.curves import datasets_of, mark, plot_lines, vary
from pedrank.report.style import REFERENCE, TAU_W, WIDTH, styled


@styled
def draw(ablation: pd.DataFrame, fixed: Mapping[str, float]) -> Figure:
    """Gain in tau_w over the raw features, a line per dataset.

    Args:
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same everywhere), gain.
        fixed: The study's own lam, dt, max_steps and exit_ratio: each panel varies one of them and keeps the others.
    """
    datasets = datasets_of(ablation)
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, setting in zip(panels, ("lam", "dt"), strict=True):
        axes.axhline(0, color=REFERENCE, linewidth=0.8, zorder=1)
        plot_lines(axes, vary(ablation, setting, fixed), setting, "gain", datasets)
        mark(axes, fixed[setting])
    panels[0].set_ylabel(f"gain in {TAU_W} of {text.metric(ablation['metric'].iloc[0])}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
