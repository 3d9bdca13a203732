"""Motion of the classes under PED (Algorithm 1), step by step, on one plane for all steps."""

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
    """Draw the motion of the classes of one dataset and checkpoint.

    Args:
        features: "features" (N, D) and "labels" (N,).
        statistics: Statistics of the classes.
        reference: Statistics of the reference features.
        displacement: The refinement of the study; it tells after how many steps PED stopped.
        class_names: Name of each label.
        ped: Keyword options of `pedrank.refinements.ped.simulate`.
        title: Title of the whole figure.

    Returns:
        The figure, and the table of `motion_data`.
    """
    rows = choose_rows(features["labels"], seed=0)
    moved, energy = trajectory(statistics, reference, ped)
    table = motion_data(features["features"][rows], features["labels"][rows], statistics.means, moved, energy)
    return Drawing(table, draw_motion(table, class_names, displacement.steps, title))


def trajectory(
    statistics: ClassStatistics, reference: ReferenceStatistics, options: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the motion of the classes step by step, without early exit.

    Args:
        statistics: Statistics of C classes with D features.
        reference: Statistics of the reference features.
        options: Keyword options of `pedrank.refinements.ped.simulate`; max_steps is the number of steps.

    Returns:
        Displacement of each class after each step, the start included (steps + 1, C, D), and the potential energy
        divided by that at the start (steps + 1,).
    """
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
    """Project images and class centres onto the plane in which the classes move most.

    The plane is spanned by the first two right singular vectors of the last displacements, or of the class means if no
    class moves.

    Args:
        features: Raw features of the images to draw (n, D).
        labels: Classes of these images (n,).
        means: Class means of the raw features (C, D).
        moved: Displacements after each step (S, C, D); the first are zero.
        energy: Potential energy at each step divided by the first (S,).

    Returns:
        Long table: what ("image" at step 0, "centre" at each step), step, label, x, y, energy (at this step).
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
    """Draw up to eight steps, a panel each: faint images, class centres, and lines from where the centres began.

    Args:
        table: The table of `motion_data`.
        class_names: Name of each label.
        taken: Number of steps after which PED stopped in the study; later steps are drawn and marked "not taken".
        title: Title of the whole figure.

    Returns:
        The figure.
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
