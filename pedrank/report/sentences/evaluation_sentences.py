"""The outcome of an evaluation in a few sentences: the best method, and whether its lead is significant."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, RANDOM, STATIC_RANKER
from pedrank.report import text


def evaluation_sentences(summary: pd.DataFrame, differences: pd.DataFrame) -> list[str]:
    """State the best method, its regret, and its paired differences from the static ranker and the second method.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        differences: Long table of `pedrank.evaluation.method_differences.method_differences`.

    Returns:
        Sentences in plain text.
    """
    last = summary["dataset"].iloc[-1]  # the mean, or the only dataset
    rows = summary[summary["dataset"] == last]
    datasets = summary["dataset"].nunique() - (last == MEAN)
    methods = rows[~rows["metric"].isin([STATIC_RANKER, RANDOM]) & (rows["refinement"] != ORACLE)]
    number = f"{datasets} datasets" if datasets > 1 else f"one dataset ({last})"
    found = [
        f"{rows['n'].iloc[0]} checkpoints were ranked on {number} by {len(methods)} method{'s' * (len(methods) > 1)}."
    ]
    ordered = methods.dropna(subset="tau_w").sort_values("tau_w", ascending=False, kind="stable")
    if ordered.empty:
        return [*found, f"No method has a defined {text.TAU}_w, because scores or accuracies tie."]
    best = ordered.iloc[0]
    name = text.method(best["metric"], best["refinement"])
    mean = "mean " if last == MEAN else ""
    found.append(
        f"{name} has the highest {mean}{text.TAU}_w, {text.tau(best['tau_w'])} (95 % interval "
        f"{text.interval(best['ci_low'], best['ci_high'])}, {text.p(best['p_value'])} against random rankings). Its "
        f"{mean}regret is {text.points(best['regret_1'])}, {text.points(best['regret_2'])} and "
        f"{text.points(best['regret_3'])} points if the first one, two or three checkpoints are fine-tuned."
    )
    static = rows[rows["metric"] == STATIC_RANKER]
    others = [STATIC_RANKER] if len(static) else []
    others += list(ordered[ordered["refinement"] == BASE]["metric"].iloc[1:2])
    pairs = differences[differences["dataset"] == last]
    for other in others if best["refinement"] == BASE else []:
        found += _compared(pairs, best["metric"], other, rows)
    return found


def _compared(pairs: pd.DataFrame, metric: str, other: str, rows: pd.DataFrame) -> list[str]:
    for one, two, sign in ((metric, other, 1), (other, metric, -1)):
        row = pairs[(pairs["metric"] == one) & (pairs["other"] == two)]
        if len(row) and pd.notna(row["difference"].iloc[0]):
            values = row.iloc[0]
            low, high = sorted([sign * values["low"], sign * values["high"]])
            significant = "" if values["p_holm"] < 0.05 else "not "
            tau = rows[(rows["metric"] == other) & (rows["refinement"] == BASE)]["tau_w"].iloc[0]
            features = ", which uses no features," if other == STATIC_RANKER else ""
            return [
                f"{'The static ranker' if other == STATIC_RANKER else text.metric(other)}{features} has "
                f"{text.tau(tau)}. The difference, {text.difference(sign * values['difference'])} (95 % interval "
                f"{text.interval(low, high)}), is {significant}significant ({text.p(values['p_holm'])} after Holm's "
                "correction over all pairs)."
            ]
    return []
