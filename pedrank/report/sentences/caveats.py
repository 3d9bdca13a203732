"""What a reader should know before trusting the tables: one sentence each."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from pedrank.evaluation.intervals import ASSUMED_SD, seed_errors
from pedrank.evaluation.names import MEAN, ORACLE, RANDOM, STATIC_RANKER
from pedrank.report import text


def caveats(
    summary: pd.DataFrame, scores: pd.DataFrame, ground_truth: pd.DataFrame, known: Collection[str]
) -> list[str]:
    """Few models, missing models, ties, saturated scores, seeds, hindsight, and what no metric beats.

    Args:
        summary: What `pedrank.evaluation.summary.summarise` returns.
        scores: Long table: dataset, checkpoint, metric, refinement, score, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy, sd, seeds.
        known: All checkpoints of the zoo that the study's come from.
    """
    return [
        *_few(summary),
        *_missing(ground_truth, known),
        *_ties(scores),
        *_seeds(ground_truth),
        *_nothing_gained(summary),
        *_hindsight(summary),
    ]


def _few(summary: pd.DataFrame) -> list[str]:
    chance = summary[summary["metric"] == RANDOM].iloc[0]
    bounds = text.interval(chance["ci_low"], chance["ci_high"])
    return [
        f"{chance['n']} checkpoints are few: 95% of random rankings have a {text.TAU}_w in {bounds} on one dataset."
    ]


def _missing(ground_truth: pd.DataFrame, known: Collection[str]) -> list[str]:
    missing = sorted(set(known) - set(ground_truth["checkpoint"]))
    return [f"Not compared, though the zoo has them: {', '.join(missing)}."] if missing else []


def _ties(scores: pd.DataFrame) -> list[str]:
    found = []
    for (metric, refinement), rows in scores.groupby(["metric", "refinement"], sort=False):
        name = text.method(metric, refinement)
        tied = [
            f"{dataset} ({_tied(table['rank_score'])} checkpoints)"
            for dataset, table in rows.groupby("dataset", sort=False)
            if _tied(table["rank_score"])
        ]
        saturated = [
            f"{dataset} ({_tied(table['score'])} checkpoints)"
            for dataset, table in rows.groupby("dataset", sort=False)
            if _tied(table["score"]) > _tied(table["rank_score"])
        ]
        if tied:
            found.append(f"{name}: scores tie on {', '.join(tied)}; their order is open.")
        if saturated:
            found.append(f"{name}: saturated on {', '.join(saturated)}; ranked by a form that does not saturate.")
    return found


def _tied(values: pd.Series) -> int:
    """Number of values that come more than once."""
    return int(values.duplicated(keep=False).sum())


def _seeds(ground_truth: pd.DataFrame) -> list[str]:
    assumed, open_races = [], []
    for dataset, table in ground_truth.groupby("dataset", sort=False):
        errors, guessed = seed_errors(table)
        first, second = table.assign(error=errors).nlargest(2, "accuracy").itertuples()
        lead, doubt = first.accuracy - second.accuracy, 2 * float(np.hypot(first.error, second.error))
        if guessed:
            assumed.append(dataset)
        if lead < doubt:
            race = f"{first.checkpoint} leads {second.checkpoint} by {text.points(lead)} {text.PLUS_MINUS}"
            open_races.append(f"{dataset} ({race} {text.points(doubt)})")
    found = []
    if assumed:
        found.append(
            f"No spread over seeds is known on {', '.join(assumed)}; a standard deviation of {ASSUMED_SD:g} points is "
            "assumed where it matters."
        )
    if open_races:
        found.append(
            f"Which checkpoint is best is not certain on {', '.join(open_races)}: accuracy, {text.PLUS_MINUS} two "
            "standard errors over seeds."
        )
    return found


def _nothing_gained(summary: pd.DataFrame) -> list[str]:
    mean = summary[summary["dataset"] == MEAN]
    static = mean.loc[mean["metric"] == STATIC_RANKER, "tau_w"]
    rest = mean[~mean["metric"].isin([STATIC_RANKER, RANDOM]) & (mean["refinement"] != ORACLE)].dropna(subset="tau_w")
    if static.empty or rest.empty or rest["tau_w"].max() > static.iloc[0]:
        return []
    best = rest.loc[rest["tau_w"].idxmax()]
    return [
        f"No method ranks better than the static ranker (mean {text.TAU}_w {text.tau(static.iloc[0])}), which reads no "
        f"features; the best is {text.method(best['metric'], best['refinement'])} ({text.tau(best['tau_w'])})."
    ]


def _hindsight(summary: pd.DataFrame) -> list[str]:
    chosen = summary[(summary["refinement"] == ORACLE) & (summary["dataset"] != MEAN)]
    if chosen.empty:
        return []
    rows = f"{len(chosen)} cells of Table 1 choose {text.LAMDA} by oracle"
    return [f"{rows}, that is by looking at the ground truth. They show what tuning could reach, and are no result."]
