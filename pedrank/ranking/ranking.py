"""Ranking without ground truth: the order by prior and features or by one metric, and how stable it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.evaluation.correlation import weighted_tau
from pedrank.evaluation.names import BASE
from pedrank.evaluation.permutation import orders
from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.ranking.combine import combine
from pedrank.ranking.confidence import SURE as SURE_CHANCE
from pedrank.ranking.confidence import Confidence
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COMBINATION, METRIC = "combination", "metric"  # what checkpoints are ranked by
WORDS = ("open", "likely", "sure")
SURE, LIKELY = 0.95, 0.5  # smallest shares of halves with the pick ranked first, for "sure" and "likely"
SMALL = 5  # images; scores of smaller classes are mostly chance


def rank(
    scores: pd.DataFrame,
    seconds: pd.DataFrame,
    halves: pd.DataFrame,
    metric: str,
    refinement: str,
    known: pd.DataFrame | None = None,
    by: str = METRIC,
) -> pd.DataFrame:
    """Rank checkpoints by prior and features together, or by one metric, the best first.

    Args:
        scores: Long table: checkpoint, metric, refinement, score, rank_score. Other metrics rank the raw features.
        seconds: Long table with the same keys: seconds, refinement_seconds (where classes were moved), d (number of
            features).
        halves: Long table: checkpoint, half, rank_score, by `metric` on random halves of the images.
        metric: Name of the metric that ranks, or whose scores on halves stand for the features.
        refinement: Name of the refinement that moves the classes first; "none" for the raw features.
        known: Priors by checkpoint, from `pedrank.ranking.prior.known_priors`; None where none is known.
        by: "combination" or "metric".

    Returns:
        One row per checkpoint: rank (ties share the smallest), checkpoint, score and rank_score (of `metric`), combined
        (value of `pedrank.combine`), rank_combination, imagenet, prior and prior_from (of `known`), first (share of
        halves in which it ranks first; ties share), rank_low and rank_high (5th and 95th percentile of its rank over
        halves), rank_{name} for each metric (except the one that ranks), mean_rank over all metrics, features (D),
        seconds (of all its scores). A checkpoint on which `metric` is undefined has no row.

    Raises:
        InputError: Nothing tells the checkpoints apart, or `metric` is defined for fewer than two.
    """
    import pandas as pd

    known = pd.DataFrame({"imagenet": [], "prior": [], "prior_from": []}) if known is None else known

    chosen = scores[(scores["metric"] == metric) & (scores["refinement"] == refinement)].set_index("checkpoint")
    missing = chosen[chosen["rank_score"].isna()]
    chosen = chosen.dropna(subset="rank_score")
    values = chosen["rank_score"]
    if len(values) == 1 and missing.empty:
        raise InputError(f"all checkpoints have the same features as {values.index[0]}; give others to rank")
    if len(values) < 2:
        of = f"{len(missing)} of {len(chosen) + len(missing)} checkpoints"
        reason = f"{missing.index[0]}: {missing['undefined'].iloc[0]}"
        raise InputError(f"{metric} is undefined for {of}, so it ranks none; for {reason}")
    features = metric_table(scores, metric, list(values.index))
    known = known.reindex(values.index).astype({"imagenet": float, "prior": float})
    combined = combine(features, known["prior"])
    on_halves = halves.pivot(index="checkpoint", columns="half", values="rank_score").loc[values.index]
    table = chosen[["score", "rank_score"]].assign(combined=combined, rank_combination=ranks(combined)).join(known)
    table["prior_from"] = table["prior_from"].astype(object).fillna("")
    if by == COMBINATION:
        values = combined
        on_halves = on_halves.apply(lambda column: _combined_half(column.rename(metric).to_frame(), known["prior"]))
    if np.ptp(values.to_numpy()) == 0:
        if by == COMBINATION:
            raise InputError(f"no prior and no metric tells the {len(values)} checkpoints apart; add another metric")
        raise InputError(f"{metric} gives all {len(values)} checkpoints the same score; rank them with another metric")
    table.insert(0, "rank", ranks(values))
    table = table.assign(**places_on_halves(on_halves))
    shown = list(other_scores(scores, metric, list(table.index)))
    for name in [metric, *shown] if by == COMBINATION else shown:
        table[f"rank_{name}"] = ranks(chosen["rank_score"] if name == metric else features[name])
    of_metric = f"rank_{metric}" if by == COMBINATION else "rank"
    table["mean_rank"] = table[[of_metric, *(f"rank_{name}" for name in shown)]].mean(axis=1)
    moving = seconds.get("refinement_seconds", pd.Series(0.0, seconds.index)).fillna(0.0)
    by_checkpoint = seconds.assign(total=seconds["seconds"] + moving).groupby("checkpoint")
    table["features"] = by_checkpoint["d"].first()
    table["seconds"] = by_checkpoint["total"].sum()
    return (
        table.sort_values("rank", kind="stable")
        .reset_index()
        .reindex(columns=["rank", "checkpoint", *(name for name in table.columns if name != "rank")])
    )


def places_on_halves(on_halves: pd.DataFrame) -> dict[str, pd.Series]:
    """Return how often each checkpoint ranks first on halves of the images, and the range of its ranks there.

    Args:
        on_halves: Scores of checkpoints (index) on halves (columns); NaN where a score is undefined.

    Returns:
        first (share of halves; ties share), rank_low and rank_high (5th and 95th percentile of the rank).
    """
    best = on_halves == on_halves.max()
    first = (best / best.sum()).fillna(0.0).mean(axis=1)  # a half without any score has no first
    places = on_halves.rank(ascending=False, method="min", na_option="bottom")
    low, high = (places.quantile(q, axis=1, interpolation="nearest") for q in (0.05, 0.95))
    return {"first": first, "rank_low": low, "rank_high": high}


def ranks(values: pd.Series) -> pd.Series:
    """Ranks of scores, 1 for the highest; ties share the smallest."""
    return values.rank(ascending=False, method="min").astype(int)


def _combined_half(features: pd.DataFrame, prior: pd.Series) -> pd.Series:
    """The combination on one half of the images; NaN where nothing tells the checkpoints apart."""
    combined = combine(features, prior.reindex(features.index))
    return combined if np.ptp(combined.to_numpy()) > 0 else combined * np.nan


def metric_table(scores: pd.DataFrame, metric: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """Rank scores on the raw features, as `pedrank.combine` takes them.

    Args:
        scores: Long table: checkpoint, metric, refinement, rank_score.
        metric: Name of the metric that comes first, even where it is undefined for a checkpoint.
        checkpoints: Names of the ranked checkpoints.

    Returns:
        Checkpoints (index) by metrics (columns). Another metric that is undefined on a checkpoint is left out.
    """
    import pandas as pd

    raw = scores[(scores["metric"] == metric) & (scores["refinement"] == BASE)].set_index("checkpoint")["rank_score"]
    columns = {metric: raw.reindex(list(checkpoints))} | other_scores(scores, metric, checkpoints)
    return pd.DataFrame(columns, index=list(checkpoints))


def other_scores(scores: pd.DataFrame, metric: str, checkpoints: Sequence[str]) -> dict[str, pd.Series]:
    """Rank scores on the raw features by every metric except one.

    Args:
        scores: Long table: checkpoint, metric, refinement, rank_score.
        metric: Name of the metric to leave out.
        checkpoints: Names of the ranked checkpoints.

    Returns:
        By metric, a series of rank scores indexed by checkpoint. A metric that is undefined on one of the checkpoints
        is left out.
    """
    raw = scores[(scores["refinement"] == BASE) & (scores["metric"] != metric)]
    columns = {
        name: rows.set_index("checkpoint")["rank_score"][list(checkpoints)]
        for name, rows in raw.groupby("metric", sort=False)
    }
    return {name: column for name, column in columns.items() if column.notna().all()}


def undefined_scores(scores: pd.DataFrame, metric: str, refinement: str) -> list[dict[str, Any]]:
    """List the scores that a ranking lacks.

    Args:
        scores: Long table: checkpoint, metric, refinement, rank_score and, where a score is undefined, undefined (the
            reason).
        metric: Name of the metric that ranks.
        refinement: Refinement before ranking.

    Returns:
        One entry per metric and reason: metric, reason, checkpoints. Other metrics rank the raw features.
    """
    if "undefined" not in scores:
        return []
    used = scores["refinement"] == np.where(scores["metric"] == metric, refinement, BASE)
    missing = scores[used & scores["rank_score"].isna()]
    return [
        {"metric": name, "reason": reason, "checkpoints": rows["checkpoint"].tolist()}
        for (name, reason), rows in missing.groupby(["metric", "undefined"], sort=False)
    ]


def unmoved(scores: pd.DataFrame, metric: str, refinement: str) -> list[str]:
    """Checkpoints whose score a refinement leaves as it is on the raw features: it has moved no class.

    Args:
        scores: Long table: checkpoint, metric, refinement, rank_score.
        metric: Name of the metric.
        refinement: Name of the refinement.
    """
    of_metric = scores[scores["metric"] == metric].pivot(index="checkpoint", columns="refinement", values="rank_score")
    if refinement == BASE:
        return []
    same = of_metric[refinement] == of_metric[BASE]
    return same.index[same].tolist()


def agreement(table: pd.DataFrame, scores: pd.DataFrame, metric: str, by: str = METRIC) -> dict[str, float | None]:
    """tau_w between the ranking and that of each other metric.

    Args:
        table: Ranking from `rank`.
        scores: Long table: checkpoint, metric, refinement, rank_score.
        metric: Name of the metric that ranks. The combination without a prior follows it, so it is no other metric
            there either.
        by: "combination" or "metric".

    Returns:
        tau_w by metric; None where all scores of that metric tie.
    """
    found: dict[str, float | None] = {}
    order = table["combined" if by == COMBINATION else "rank_score"].to_numpy()
    columns = metric_table(scores, metric, table["checkpoint"])
    if by == METRIC or table["prior"].nunique() < 2:
        columns = columns.drop(columns=metric)
    for name, column in columns.items():
        values = column.to_numpy()
        found[str(name)] = weighted_tau(order, values) if np.ptp(values) > 0 else None
    return found


def enough_images(class_sizes: np.ndarray, images_of_a_half: int, features: int) -> bool:
    """Whether there are enough images to call an answer sure.

    Args:
        class_sizes: (C,) images of each class.
        images_of_a_half: Images of each random half. With fewer than features, a metric can fit noise.
        features: Largest number of features of a checkpoint.

    >>> enough_images(np.array([40, 60]), images_of_a_half=50, features=80)
    False
    """
    return bool(images_of_a_half >= features and 2 * np.sum(class_sizes < SMALL) < len(class_sizes))


def recommendation(
    table: pd.DataFrame, taus: dict[str, float | None], enough: bool, expected: Confidence
) -> dict[str, Any]:
    """Recommend which checkpoint to fine-tune, and say how certain that is.

    Args:
        table: Ranking from `rank`.
        taus: tau_w by other metric, from `agreement`.
        enough: Result of `enough_images`.
        expected: Confidence in the checkpoint ranked first.

    Returns:
        picks (several where they tie for the first rank), runner_up, first (share of
        halves with the pick ranked first), agree, tie and disagree (other metrics that rank the pick first alone, first
        together with others, or not first), mean_tau_w with the other metrics (None without any), sure ("sure",
        "likely" or "open"), doubts (reasons against "sure": "tie", "chance", "calibration", "halves", "images",
        "metrics").
    """
    votes = first_rank(table, taus)
    tied, share, agree = len(votes["picks"]) > 1, votes["first"], votes["agree"]
    doubts = {
        "tie": tied,
        "chance": expected.within_one < SURE_CHANCE,
        "calibration": expected.within_one >= SURE_CHANCE and expected.word != "sure",
        "halves": share < SURE,
        "images": not enough,
        "metrics": 2 * len(agree) < len(agree) + len(votes["tie"]) + len(votes["disagree"]),
    }
    most = "open" if tied or share < LIKELY else "likely" if any(doubts.values()) else "sure"
    sure = min(most, expected.word, key=WORDS.index)
    return votes | {"sure": sure, "doubts": [doubt for doubt, applies in doubts.items() if applies]}


def first_rank(table: pd.DataFrame, taus: Mapping[str, float | None]) -> dict[str, Any]:
    """Return which checkpoints rank first, and which other metrics agree.

    Args:
        table: Ranking with the columns rank, checkpoint, first and rank_{name} of other metrics.
        taus: tau_w by other metric.

    Returns:
        picks, runner_up, first, agree, tie, disagree and mean_tau_w of `recommendation`.
    """
    ahead = table["rank"] == 1
    pick = table.iloc[0]
    others = [name.removeprefix("rank_") for name in table.columns if name.startswith("rank_") and name[5:] in taus]
    first = [name for name in others if pick[f"rank_{name}"] == 1]
    agree = [name for name in first if (table[f"rank_{name}"] == 1).sum() == 1]
    known = [tau for tau in taus.values() if tau is not None]
    return {
        "picks": table["checkpoint"][ahead].tolist(),
        "runner_up": table["checkpoint"][~ahead].iloc[0],
        "first": float(table["first"][ahead].max()),
        "agree": agree,
        "tie": [name for name in first if name not in agree],
        "disagree": [name for name in others if name not in first],
        "mean_tau_w": float(np.mean(known)) if known else None,
    }


def chance(n: int) -> float:
    """The tau_w that 5 % of random rankings of n checkpoints reach.

    >>> round(chance(12), 2)
    0.45
    """
    ranks = np.arange(n, dtype=float)
    return float(np.quantile(weighted_taus(orders(n, seed=0).astype(float), ranks[None]), 0.95))


def published(table: pd.DataFrame, metric: str, refinement: str) -> tuple[float, float, float] | None:
    """Published tau_w of a method on the paper's ten datasets (Table 1).

    The paper chose PED's lambda with the accuracies known, so its values after PED are optimistic.

    Args:
        table: Table with the columns metric, refinement, dataset, tau_w: pedrank/published/table1.csv.
        metric: Name of the metric.
        refinement: Name of the refinement; every "ped-..." stands for PED.

    Returns:
        Mean, smallest and largest tau_w; None where the paper has no such row.
    """
    name = "ped" if refinement.startswith("ped-") else refinement
    taus = table["tau_w"][(table["metric"] == metric) & (table["refinement"] == name)]
    return (float(taus.mean()), float(taus.min()), float(taus.max())) if len(taus) else None
