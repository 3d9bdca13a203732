"""How PED moves the classes, step by step: what Algorithm 1 does, on a plane that stays the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements.ped import simulate
from pedrank.report import text
from pedrank.report.figures.figure6 import choose_rows
from pedrank.report.figures.style import CLASS_COLOURS, MARKERS, WIDTH, Drawing, styled

PANELS = 8
PER_LINE = 4


def motion(
    features: Mapping[str, np.ndarray],
    statistics: ClassStatistics,
    reference: ReferenceStatistics,
    displacement: Refinement,
    class_names: Sequence[str],
    ped: Mapping[str, Any],
    title: str,
) -> Drawing:
    """The motion of the classes of one pair of dataset and checkpoint.

    Args:
        features: "features" (N, D) and "labels" (N,).
        statistics: Of their classes.
        reference: Statistics of reference features.
        displacement: What the study's PED did: when it stopped.
        class_names: Name of each label.
        ped: Keyword options of `simulate`.
        title: Of the whole figure.
    """
    rows = choose_rows(features["labels"], seed=0)
    moved, energy = trajectory(statistics, reference, ped)
    table = motion_data(features["features"][rows], features["labels"][rows], statistics.means, moved, energy)
    return Drawing(table, draw_motion(table, class_names, displacement.steps, title))


def trajectory(
    statistics: ClassStatistics, reference: ReferenceStatistics, options: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Displacement of each class (steps + 1, C, D) and energy over the first (steps + 1,), without early exit."""
    moved = [np.zeros_like(statistics.means)]
    ratios = [1.0]
    for steps in range(1, options["max_steps"] + 1):
        run = simulate(statistics, reference, **(dict(options) | {"max_steps": steps, "exit_ratio": 0.0}))
        moved.append(run.displacement)
        ratios.append(run.final_energy / (run.energy[0] or 1.0))
    return np.array(moved), np.array(ratios)


def motion_data(
    features: np.ndarray, labels: np.ndarray, means: np.ndarray, moved: np.ndarray, energy: np.ndarray
) -> pd.DataFrame:
    """Everything that is drawn, on the plane in which the classes move most.

    It is spanned by the first two right singular vectors of the last displacements, or of the class means.

    Args:
        features: Of the images that are drawn (n, D), on the raw features.
        labels: Their classes (n,).
        means: Raw class means (C, D).
        moved: Displacements (S, C, D), step by step, the first zero.
        energy: (S,), over the first.

    Returns:
        what ("image" at step 0, "centre" at each step), step, label, x, y, energy (of that step).
    """
    middle = means.mean(axis=0)
    plane = np.linalg.svd(moved[-1] if moved[-1].any() else means - middle, full_matrices=False)[2][:2].T
    plane = plane * np.where(plane[np.abs(plane).argmax(axis=0), range(plane.shape[1])] < 0, -1, 1)
    plane = np.pad(plane, [(0, 0), (0, 2 - plane.shape[1])])
    shown = np.unique(labels)
    images = (np.asarray(features, dtype=float) - middle) @ plane
    tables = [pd.DataFrame({"what": "image", "step": 0, "label": labels, "x": images[:, 0], "y": images[:, 1]})]
    for step, displacement in enumerate(moved):
        x, y = ((means + displacement - middle) @ plane)[shown].T
        tables.append(pd.DataFrame({"what": "centre", "step": step, "label": shown, "x": x, "y": y}))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(energy=np.asarray(energy)[table["step"]])


@styled
def draw_motion(table: pd.DataFrame, class_names: Sequence[str], taken: int, title: str) -> Figure:
    """One panel per step: images faint, class centres in front, a line from where each began; zoomed to the centres.

    Args:
        table: What `data` returns.
        class_names: Name of each label.
        taken: Steps after which PED stopped in the study; later ones are drawn, and say so.
        title: Of the whole figure.
    """
    last = table["step"].max()
    steps = np.unique(np.linspace(0, last, min(PANELS, last + 1)).round().astype(int))
    columns = min(PER_LINE, len(steps))
    lines = -(-len(steps) // columns)
    figure = Figure(figsize=(WIDTH, 0.9 + 1.85 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[len(steps) :]:
        axes.set_axis_off()
    images, centres = (table[table["what"] == what] for what in ("image", "centre"))
    places = centres[["x", "y"]].to_numpy()
    middle, reach = (places.max(axis=0) + places.min(axis=0)) / 2, 0.6 * np.ptp(places, axis=0)
    for axes, step in zip(panels, steps, strict=False):
        for index, (label, path) in enumerate(centres.groupby("label")):
            path = path[path["step"] <= step][["x", "y"]].to_numpy()
            style = {"color": CLASS_COLOURS[index % 10], "marker": MARKERS[index % 10], "markeredgewidth": 0}
            cloud = images.loc[images["label"] == label, ["x", "y"]].to_numpy() + path[-1] - path[0]
            axes.plot(*cloud.T, linestyle="", markersize=2, alpha=0.25, **style)
            axes.plot(*path.T, color="k", linewidth=1.0, zorder=3)
            style |= {"markersize": 5, "markeredgewidth": 0.5, "markeredgecolor": "k"}
            axes.plot(*path[-1], linestyle="", zorder=4, label=class_names[label], **style)
        energy = centres.loc[centres["step"] == step, "energy"].iloc[0]
        name = "raw features" if step == 0 else f"step {step}" + ("" if step <= taken else " (not taken)")
        axes.set_title(f"{name}, energy {text.share(energy)}", fontsize=7)
        axes.set(xticks=[], yticks=[], xlim=middle[0] + [-reach[0], reach[0]], ylim=middle[1] + [-reach[1], reach[1]])
        axes.spines[:].set_visible(True)
    for axes in panels[:: max(columns, 1)]:
        axes.set_ylabel("second direction")
    for axes in panels[len(steps) - columns : len(steps)]:
        axes.set_xlabel("first direction")
    figure.suptitle(title, fontsize=8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
