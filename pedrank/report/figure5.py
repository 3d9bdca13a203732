"""Figure 5: how fast the force decays, and what the two end conditions do to tau_w."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from pedrank.report import text
from pedrank.report.curves import datasets_of, mark, plot_lines, vary
from pedrank.report.style import COLOURS, REFERENCE, TAU_W, WIDTH, look, styled


@styled
def draw(forces: pd.DataFrame, ablation: pd.DataFrame, fixed: Mapping[str, float]) -> Figure:
    """Left: force over its first value, the mean over checkpoints in a band from the least to the largest.

    Middle and right: tau_w by exit ratio and by maximum number of steps. A line per dataset everywhere.

    Args:
        forces: Long table: dataset, checkpoint, lam, dt, step, force_ratio; without early exit.
        ablation: Long table: dataset, lam, dt, max_steps, exit_ratio, metric (the same everywhere), tau_w.
        fixed: The study's own lam, dt, max_steps and exit_ratio: each panel varies one of them and keeps the others.
    """
    datasets = datasets_of(ablation)
    figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)

    ratios = vary(forces, "step", {"lam": fixed["lam"], "dt": fixed["dt"]})
    for index, dataset in enumerate(datasets):
        steps = ratios[ratios["dataset"] == dataset].groupby("step")["force_ratio"].agg(["mean", "min", "max"])
        left.fill_between(
            steps.index, steps["min"], steps["max"], color=COLOURS[index % len(COLOURS)], alpha=0.12, lw=0
        )
        left.plot(steps.index, steps["mean"], label=dataset, **look(index))
    left.axhline(fixed["exit_ratio"], color=REFERENCE, linestyle=":", zorder=1, label="the study's setting")
    left.set(xlabel="step", ylabel="force / first force", ylim=(0, None))

    middle.sharey(right)
    for axes, setting in ((middle, "exit_ratio"), (right, "max_steps")):
        plot_lines(axes, vary(ablation, setting, fixed), setting, "tau_w", datasets)
        mark(axes, fixed[setting])
    middle.set_ylabel(f"{TAU_W} of {text.metric(ablation['metric'].iloc[0])}")
    right.tick_params(labelleft=False)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
