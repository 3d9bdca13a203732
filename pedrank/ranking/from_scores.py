"""From the scores of one dataset to its ranking and the facts behind the answer: the steps that all callers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pedrank.ranking import ranking
from pedrank.ranking.costs import costs
from pedrank.ranking.facts import ranking_facts
from pedrank.ranking.prior import known_priors
from pedrank.ranking.twins import shared_prior, twins

if TYPE_CHECKING:
    import pandas as pd


class Ranked(NamedTuple):
    """The ranking of one dataset.

    Attributes:
        table: From `pedrank.ranking.ranking.rank`, without checkpoints whose features equal those of an earlier one.
        halves: The scores on halves of the same checkpoints.
        same: The earlier checkpoint with equal features, by the name of the later one.
        found: From `pedrank.ranking.facts.ranking_facts`, and the dataset's name.
    """

    table: pd.DataFrame
    halves: pd.DataFrame
    same: dict[str, str]
    found: dict[str, Any]


def rank_scores(
    scores: pd.DataFrame,
    seconds: pd.DataFrame,
    halves: pd.DataFrame,
    entries: Mapping[str, Mapping[str, Any] | None],
    dataset: str,
    labels: np.ndarray,
    published: pd.DataFrame,
    metric: str,
    refinement: str,
    by: str,
    recorded: pd.DataFrame | None = None,
) -> Ranked:
    """Rank the checkpoints of one dataset, those with equal features once.

    Args:
        scores: Long table: checkpoint, metric, refinement, score, rank_score and, where undefined, undefined (reason).
        seconds: Long table with the same keys: seconds, refinement_seconds, d.
        halves: Long table: checkpoint, half, rank_score, images (of the dataset), features (their fingerprint).
        entries: Entries of a catalogue by checkpoint; None for a name that speaks for itself.
        dataset: Name of the dataset; its published accuracies are no part of a prior.
        labels: (N,) labels of the scored rows.
        published: The paper's Table 1.
        metric: Name of the metric that ranks, or whose scores on halves stand for the features.
        refinement: Refinement before ranking, or "none".
        by: "combination" or "metric".
        recorded: Accuracies of the user's own on other datasets, from `pedrank.ranking.recorded.elsewhere`.

    Raises:
        InputError: As `pedrank.ranking.ranking.rank`.
    """
    same = twins(halves.groupby("checkpoint", sort=False)["features"].first())
    known = shared_prior(known_priors(entries, dataset, recorded).join(costs(entries)), same)
    scores, halves = (each[~each["checkpoint"].isin(list(same))] for each in (scores, halves))
    table = ranking.rank(scores, seconds, halves, metric, refinement, known, by)
    items = "samples" if all(entry and entry["zoo"] == "features" for entry in entries.values()) else "images"
    found = ranking_facts(table, scores, halves, labels, published, metric, refinement, by, same, items)
    return Ranked(table, halves, same, found | {"dataset": dataset})
