"""The two figures of docs/combine.md: where features add to the prior, and how reliable stated probabilities are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import beta

from pedrank.ranking import combination_judge as judge
from pedrank.report.figures.style import COLOURS, MARKERS, TAU_W, styled

BINS = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 1]


@styled
def gains(scores: pd.DataFrame) -> Figure:
    """Paired differences of combine to the prior alone and to the features alone, by hub and prior.

    Args:
        scores: From `combination_judge.judged`, with hubs left out.
    """
    against = {other: judge.paired(scores, judge.COMBINED, other) for other in (judge.PRIOR, judge.FEATURES)}
    names = [f"{row.hub}, {row.prior}" for row in against[judge.PRIOR].itertuples()]
    figure = Figure(figsize=(6.9, 0.4 * len(names) + 0.8), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for number, (panel, (other, table)) in enumerate(zip(axes, against.items(), strict=True)):
        place = np.arange(len(table))[::-1]
        errors = np.array([table["difference"] - table["low"], table["high"] - table["difference"]])
        panel.errorbar(table["difference"], place, xerr=errors, fmt="o", color=COLOURS[number])
        panel.axvline(0, color="black", lw=0.8)
        panel.set_xlabel(f"{TAU_W} of combine minus {other}")
        panel.set_yticks(place, names)
    return figure


@styled
def reliability(answers: pd.DataFrame) -> Figure:
    """Share of answers that lost at most one point, by the probability that was stated, with 95 % intervals.

    Args:
        answers: From `combination_judge.reliability`.
    """
    figure = Figure(figsize=(3.35, 3.7), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="black", lw=0.8, label="calibrated")
    for number, (basis, rows) in enumerate(answers.groupby("basis")):
        table = binned(rows)
        errors = np.array([table["observed"] - table["low"], table["high"] - table["observed"]])
        shift = 0.012 * (number - 1)
        look = {"color": COLOURS[number], "marker": MARKERS[number], "label": f"{basis} ({len(rows)} answers)"}
        axes.errorbar(table["predicted"] + shift, table["observed"], yerr=errors, lw=0, elinewidth=0.8, **look)
        for row in table.itertuples():
            axes.annotate(
                str(row.n), (row.predicted + shift, row.observed), (3, 2), textcoords="offset points", fontsize=6
            )
    axes.set(xlabel="stated P(at most one point lost)", ylabel="share that lost at most one point")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def binned(answers: pd.DataFrame) -> pd.DataFrame:
    """Means over bins of the stated probability, with the interval of Clopper and Pearson (1934).

    Args:
        answers: within_one (stated), lost (points).

    Returns:
        One row per bin that has answers: n, predicted, observed, low, high.
    """
    right = answers["lost"] <= 1
    groups = pd.DataFrame({"predicted": answers["within_one"], "observed": right}).groupby(
        pd.cut(answers["within_one"], BINS), observed=True
    )
    table = groups.mean().assign(n=groups.size())
    k = (table["observed"] * table["n"]).round()
    low = beta.ppf(0.025, k, table["n"] - k + 1)
    high = beta.ppf(0.975, k + 1, table["n"] - k)
    return table.assign(low=np.nan_to_num(low, nan=0.0), high=np.where(np.isnan(high), 1.0, high))
