"""Warnings that a reader needs before trusting the tables of a study, one sentence each."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from pedrank.evaluation.intervals import ASSUMED_SD, seed_errors
from pedrank.evaluation.names import BASE, IMAGENET, MEAN, ORACLE, PRIOR, RANDOM, STATIC_RANKER, WITHOUT_FEATURES
from pedrank.report import text

_KNOWN = {STATIC_RANKER: "the static ranker", IMAGENET: "ImageNet accuracy", PRIOR: "the prior"}


def caveats(
    summary: pd.DataFrame, scores: pd.DataFrame, ground_truth: pd.DataFrame, known: Collection[str]
) -> list[str]:
    """List the warnings of a study.

    They are about few or missing checkpoints, ties, saturated scores, refinements that change nothing, the spread over
    seeds, rankers without features that no method beats, and values chosen in hindsight.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        scores: Long table: dataset, checkpoint, metric, refinement, score, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy, sd, seeds.
        known: All checkpoints of the zoos that the study's checkpoints come from.

    Returns:
        Sentences in plain text.
    """
    return [
        *_few(summary),
        *_missing(ground_truth, known),
        *_ties(scores),
        *_unmoved(scores),
        *_seeds(ground_truth),
        *_nothing_gained(summary),
        *_hindsight(summary),
    ]


def _few(summary: pd.DataFrame) -> list[str]:
    chance = summary[summary["metric"] == RANDOM].iloc[0]
    bounds = text.interval(chance["ci_low"], chance["ci_high"])
    return [
        f"{chance['n']} checkpoints are few: on one dataset, 95 % of random rankings have a {text.TAU}_w in {bounds}."
    ]


def _missing(ground_truth: pd.DataFrame, known: Collection[str]) -> list[str]:
    missing = sorted(set(known) - set(ground_truth["checkpoint"]))
    return [f"The zoo has more checkpoints, which were not compared: {', '.join(missing)}."] if missing else []


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
            found.append(f"{name}: scores tie on {', '.join(tied)}; the order of these checkpoints is undecided.")
        if saturated:
            found.append(
                f"{name}: several checkpoints have the same score on {', '.join(saturated)}, because the score "
                "saturates; they are ranked by a form of it that does not saturate."
            )
    return found


def _unmoved(scores: pd.DataFrame) -> list[str]:
    """Refinements that leave scores as they are on the raw features."""
    wide = scores.pivot_table(index=["dataset", "checkpoint"], columns=["metric", "refinement"], values="rank_score")
    found = []
    for metric, refinement in wide.columns:
        if refinement == BASE or (metric, BASE) not in wide:
            continue
        same = wide[metric, refinement] == wide[metric, BASE]
        counts = same.groupby("dataset", sort=False).sum()
        if counts.any():
            of = ", ".join(f"{dataset} ({count} checkpoints)" for dataset, count in counts[counts > 0].items())
            found.append(f"{text.method(metric, refinement)}: scores equal those of the raw features on {of}.")
    return found


def _tied(values: pd.Series) -> int:
    """Number of values that occur more than once."""
    return int(values.duplicated(keep=False).sum())


def _seeds(ground_truth: pd.DataFrame) -> list[str]:
    assumed, uncertain = [], []
    for dataset, table in ground_truth.groupby("dataset", sort=False):
        errors, guessed = seed_errors(table)
        first, second = table.assign(error=errors).nlargest(2, "accuracy").itertuples()
        lead, doubt = first.accuracy - second.accuracy, 2 * float(np.hypot(first.error, second.error))
        if guessed:
            assumed.append(dataset)
        if lead < doubt:
            difference = f"{text.points(lead)} {text.PLUS_MINUS} {text.points(doubt)}"
            uncertain.append(f"{dataset} ({first.checkpoint} minus {second.checkpoint}: {difference})")
    found = []
    if assumed:
        found.append(
            f"The standard deviation over seeds is unknown on {', '.join(assumed)}. Calculations that "
            f"need it assume {ASSUMED_SD:g} percentage points."
        )
    if uncertain:
        where = "these datasets" if len(uncertain) > 1 else "this dataset"
        found.append(
            f"On {where}, the best checkpoint is uncertain: {', '.join(uncertain)}. Values are differences in accuracy "
            f"in percentage points {text.PLUS_MINUS} two standard errors over seeds."
        )
    return found


def _nothing_gained(summary: pd.DataFrame) -> list[str]:
    """Rankers that use no features, and have at least the mean tau_w of every method that does."""
    mean = summary[summary["dataset"] == MEAN]
    rest = mean[~mean["metric"].isin(WITHOUT_FEATURES) & (mean["refinement"] != ORACLE)].dropna(subset="tau_w")
    if rest.empty:
        return []
    best = rest.loc[rest["tau_w"].idxmax()]
    unbeaten = mean[mean["metric"].isin(_KNOWN) & (mean["tau_w"] >= best["tau_w"])]
    return [
        f"No method has a higher mean {text.TAU}_w than {_KNOWN[row.metric]} ({text.tau(row.tau_w)}), which uses no "
        f"features. The highest mean of a method is {text.tau(best['tau_w'])} "
        f"({text.method(best['metric'], best['refinement'])})."
        for row in unbeaten.itertuples()
    ]


def _hindsight(summary: pd.DataFrame) -> list[str]:
    chosen = summary[(summary["refinement"] == ORACLE) & (summary["dataset"] != MEAN)]
    if chosen.empty:
        return []
    return [
        f"In {len(chosen)} cell{'s' * (len(chosen) > 1)} of Table 1, {text.LAMDA} is chosen with the ground truth "
        f"({text.LAMDA} by oracle). Such cells show the highest {text.TAU}_w that any "
        f"choice of {text.LAMDA} could reach; they are not results of a method."
    ]
