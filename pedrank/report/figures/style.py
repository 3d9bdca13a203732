"""The common look of all figures, and writing them to files."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from pedrank.store.artefacts import sealed

WIDTH = 6.9  # inches: the text width of a two-column paper
COLUMN = 3.35  # inches: one of its columns

# Colours that people with any colour vision can distinguish. For lines: Okabe and Ito (2008) without yellow, which is
# faint on white. For up to ten classes: Tol's "muted" scheme (2021) and black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
CLASS_COLOURS = (
    *("#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE"),
    *("#882255", "#44AA99", "#999933", "#AA4499", "#000000"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
BEFORE, AFTER, REFERENCE = "#D55E00", "#0072B2", "#777777"
DIVERGING = "PuOr_r"  # from -1 to 1: orange and purple, distinguishable with any colour vision
TAU_W = r"$\tau_w$"

_SETTINGS: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # text stays text
}


class Drawing(NamedTuple):
    """A figure and the numbers that it shows."""

    numbers: pd.DataFrame
    figure: Figure


styled = matplotlib.rc_context(_SETTINGS)  # a decorator: the settings hold inside the function and nowhere else


@styled
def save_figure(figure: Figure, pdf: str | os.PathLike, png: str | os.PathLike) -> None:
    """Write a figure as PDF and PNG; the same figure always gives the same bytes, since no date is written.

    Args:
        figure: The figure.
        pdf: File of the PDF.
        png: File of the PNG, at 300 dots per inch.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, not again for each file
    with sealed(pdf) as temporary:
        figure.savefig(temporary, metadata={"Creator": None, "Producer": None, "CreationDate": None})
    with sealed(png) as temporary:
        figure.savefig(temporary, metadata={"Software": None})


def look(index: int) -> dict[str, Any]:
    """Choose colour and marker of a line by its number; the first 70 lines differ in colour or marker.

    >>> look(0)
    {'color': '#0072B2', 'marker': 'o'}
    """
    return {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}


def colour(index: int) -> str:
    """Choose a colour by its number, where only the colour differs: first the colours of lines, then of classes."""
    several = (*COLOURS, *CLASS_COLOURS)
    return several[index % len(several)]
