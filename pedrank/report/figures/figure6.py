"""Figure 6: the features of one dataset and checkpoint before and after PED, in two dimensions by t-SNE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pedrank.observation.refinement import Refinement
from pedrank.report import text
from pedrank.report.figures.style import CLASS_COLOURS, MARKERS, WIDTH, Drawing, styled

CLASSES = 10  # a reader cannot distinguish more
PER_CLASS = 50


def figure6(
    features: Mapping[str, np.ndarray],
    displacement: Refinement,
    class_names: Sequence[str],
    refinement: str,
    title: str,
    seed: int = 0,
) -> Drawing:
    """Draw Figure 6 of a study.

    Args:
        features: "features" (N, D) and "labels" (N,) of one dataset and checkpoint.
        displacement: The refinement that moves the classes.
        class_names: Name of each label.
        refinement: Name of the refinement, for the title of the right map.
        title: Title of the whole figure.
        seed: Seed of the choice of rows and of t-SNE.

    Returns:
        The figure, and the table of `embed`.
    """
    rows = choose_rows(features["labels"], seed)
    before, labels = features["features"][rows], features["labels"][rows]
    embedding = embed(before, displacement.apply(before, labels), labels, seed)
    return Drawing(embedding, draw_figure6(embedding, class_names, text.refinement(refinement), title))


def choose_rows(labels: np.ndarray, seed: int) -> np.ndarray:
    """Choose up to 50 random samples of each of the first 10 classes, as many as a reader can distinguish.

    Args:
        labels: Class of each sample (N,).
        seed: Seed of the choice.

    Returns:
        Sorted row numbers.

    >>> choose_rows(np.array([2, 1, 2]), seed=0).tolist()
    [0, 1, 2]
    """
    random = np.random.default_rng(seed)
    classes = np.unique(labels)[:CLASSES]
    chosen = [random.permutation(np.flatnonzero(labels == label))[:PER_CLASS] for label in classes]
    return np.sort(np.concatenate(chosen))


def embed(before: np.ndarray, after: np.ndarray, labels: np.ndarray, seed: int) -> pd.DataFrame:
    """Compute t-SNE maps (van der Maaten and Hinton 2008) of the same samples before and after they are moved.

    Both maps start from the first two principal components of `before`, so that they can be compared.

    Args:
        before: Features (n, D).
        after: Refined features of the same samples (n, D).
        labels: Classes (n,).
        seed: Seed of t-SNE.

    Returns:
        One row per sample: label, before_x, before_y, after_x, after_y.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    before, after = (np.asarray(features, dtype=np.float64) for features in (before, after))
    centre = before.mean(axis=0)
    axes = np.linalg.svd(before - centre, full_matrices=False)[2][:2].T
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1, 1)  # an SVD does not determine the signs
    scale = 1e-4 / np.std((before - centre) @ axes[:, 0])  # t-SNE needs a small start
    perplexity = min(30, (len(labels) - 1) / 3)
    starts = [((features - centre) @ axes * scale).astype(np.float32) for features in (before, after)]
    # One thread, since sums in another order would give another map.
    with threadpool_limits(1):
        maps = [
            TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(features)
            for features, start in zip((before, after), starts, strict=True)
        ]
    columns = ["before_x", "before_y", "after_x", "after_y"]
    return pd.DataFrame(np.hstack(maps), columns=columns).assign(label=labels)[["label", *columns]]


@styled
def draw_figure6(embedding: pd.DataFrame, class_names: Sequence[str], refinement: str, title: str = "") -> Figure:
    """Draw two maps on the same scale, with a colour and a marker for each class.

    Args:
        embedding: The table of `embed`.
        class_names: Name of each label.
        refinement: Printed name of the refinement, the title of the right map.
        title: Title of the whole figure.

    Returns:
        The figure.
    """
    points_of = {state: embedding[[f"{state}_x", f"{state}_y"]].to_numpy() for state in ("before", "after")}
    everything = np.concatenate(list(points_of.values()))
    centre = (everything.min(axis=0) + everything.max(axis=0)) / 2
    reach = 1.05 * np.abs(everything - centre).max(axis=0)
    height = 0.5 * (WIDTH - 0.4) * min(reach[1] / reach[0], 1.3)
    figure = Figure(figsize=(WIDTH, height + 0.95), layout="compressed")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, state, name in zip(panels, ("before", "after"), ("raw features", refinement), strict=True):
        for index, label in enumerate(np.unique(embedding["label"])):
            axes.plot(
                *points_of[state][embedding["label"] == label].T,
                linestyle="",
                marker=MARKERS[index % len(MARKERS)],
                markersize=3,
                markeredgewidth=0,
                color=CLASS_COLOURS[index % len(CLASS_COLOURS)],
                label=class_names[label],
            )
        axes.set(title=name, xlabel="t-SNE 1", xticks=[], yticks=[], aspect="equal")
        axes.set(xlim=centre[0] + [-reach[0], reach[0]], ylim=centre[1] + [-reach[1], reach[1]])
        axes.spines[:].set_visible(True)
    panels[0].set_ylabel("t-SNE 2")
    figure.suptitle(title, fontsize=8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, markerscale=1.5)
    return figure
