"""Lines over one setting of PED while the others stay fixed; Figures 4 and 5 consist of them."""

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
    """List the datasets in their order in a table; the position of a dataset chooses its colour.

    >>> datasets_of(pd.DataFrame({"dataset": ["mnist", "digits", "mnist"]}))
    ['mnist', 'digits']
    """
    return list(dict.fromkeys(frame["dataset"]))


def vary(frame: pd.DataFrame, setting: str, fixed: Mapping[str, float]) -> pd.DataFrame:
    """Select the rows in which one setting varies and the others have their fixed values.

    Args:
        frame: Long table with a column per setting.
        setting: The setting that varies.
        fixed: Values of the other settings; a value of `setting` itself is ignored.

    Returns:
        The rows, sorted by `setting`.

    Raises:
        InputError: No row has these values.

    >>> vary(pd.DataFrame({"lam": [0.6, 0.3, 0.3], "dt": [0.1, 0.1, 0.2]}), "lam", {"dt": 0.1})["lam"].tolist()
    [0.3, 0.6]
    """
    others = {name: value for name, value in fixed.items() if name != setting}
    rows = np.all([np.isclose(frame[name], value) for name, value in others.items()], axis=0)
    if not rows.any():
        wanted = ", ".join(f"{name} = {value:g}" for name, value in others.items())
        raise InputError(f"ablation: no row with {wanted}; add these settings to the ablation and run it again")
    return frame[rows].sort_values(setting, kind="stable")


def curves(frame: pd.DataFrame, settings: Sequence[str], value: str, fixed: Mapping[str, float]) -> pd.DataFrame:
    """Collect the lines of several panels in one table.

    Args:
        frame: Long table: dataset, metric, a column per setting, and the value.
        settings: Settings to vary, one per panel.
        value: Column with the value to draw, such as "tau_w".
        fixed: Values of the settings that do not vary.

    Returns:
        Long table: varied (name of the setting), dataset, metric, x (its value), and the value.

    Raises:
        InputError: No row has the fixed values.
    """
    lines = [
        vary(frame, setting, fixed).assign(varied=setting, x=lambda table, name=setting: table[name].astype(float))
        for setting in settings
    ]
    return pd.concat(lines, ignore_index=True)[["varied", "dataset", "metric", "x", value]]


def plot_lines(axes: Axes, lines: pd.DataFrame, setting: str, value: str, datasets: Sequence[str]) -> None:
    """Draw one line per dataset into a panel.

    Args:
        axes: The panel.
        lines: Table of `curves`.
        setting: The setting that varies in this panel.
        value: Column with the value to draw.
        datasets: Names of the datasets; the order chooses the colours.
    """
    for index, dataset in enumerate(datasets):
        line = lines[(lines["dataset"] == dataset) & (lines["varied"] == setting)]
        axes.plot(line["x"], line[value], label=dataset, **look(index))
    axes.set_xlabel(LABELS[setting])


def mark(axes: Axes, value: float) -> None:
    """Draw a dotted vertical line at the study's own setting."""
    axes.axvline(value, color=REFERENCE, linestyle=":", zorder=1, label="the study's setting")
