"""Lines over one setting of PED, the others fixed: what Figures 4 and 5 are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pedrank.report import text
from pedrank.report.figures.style import REFERENCE, look
from pedrank.utils.errors import InputError

LABELS = {
    "lam": f"radius coefficient {text.LAMDA}",
    "dt": "time step \N{GREEK CAPITAL LETTER DELTA}t",
    "max_steps": "maximum number of steps M",
    "exit_ratio": "exit ratio \N{GREEK SMALL LETTER EPSILON}",
}


def datasets_of(frame: pd.DataFrame) -> list[str]:
    """The datasets in the order in which they come; a dataset's colour is its place here."""
    return list(dict.fromkeys(frame["dataset"]))


def vary(frame: pd.DataFrame, setting: str, fixed: Mapping[str, float]) -> pd.DataFrame:
    """The rows in which every setting of `fixed` but `setting` has its fixed value, by rising `setting`.

    Raises InputError where there is none.
    """
    others = {name: value for name, value in fixed.items() if name != setting}
    rows = np.all([np.isclose(frame[name], value) for name, value in others.items()], axis=0)
    if not rows.any():
        wanted = ", ".join(f"{name} = {value:g}" for name, value in others.items())
        raise InputError(f"ablation: no row with {wanted}; run the ablation again with this setting in it")
    return frame[rows].sort_values(setting, kind="stable")


def curves(frame: pd.DataFrame, settings: Sequence[str], value: str, fixed: Mapping[str, float]) -> pd.DataFrame:
    """The lines of several panels in one long table: varied (the setting's name), dataset, metric, x, and the value."""
    lines = [
        vary(frame, setting, fixed).assign(varied=setting, x=lambda table, name=setting: table[name].astype(float))
        for setting in settings
    ]
    return pd.concat(lines, ignore_index=True)[["varied", "dataset", "metric", "x", value]]


def plot_lines(axes: Axes, lines: pd.DataFrame, setting: str, value: str, datasets: Sequence[str]) -> None:
    """One line per dataset of what `curves` returns."""
    for index, dataset in enumerate(datasets):
        line = lines[(lines["dataset"] == dataset) & (lines["varied"] == setting)]
        axes.plot(line["x"], line[value], label=dataset, **look(index))
    axes.set_xlabel(LABELS[setting])


def mark(axes: Axes, value: float) -> None:
    """A dotted vertical line at the study's own setting."""
    axes.axvline(value, color=REFERENCE, linestyle=":", zorder=1, label="the study's setting")
