"""From features and targets that are no classes to a ranking: by LogME, with k-NN and the linear probe beside it.

No prior and no probability: published accuracies are those of classification, and the combination of prior and metrics
is fitted to them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.evaluation.correlation import weighted_tau
from pedrank.evaluation.names import BASE
from pedrank.ranking.halves import HALVES, LARGEST
from pedrank.ranking.ranking import METRIC, chance, first_rank, places_on_halves, ranks
from pedrank.ranking.twins import fingerprint, twins, with_twins
from pedrank.regression.target_folds import target_halves
from pedrank.regression.target_score import target_score
from pedrank.regression.targets import checked_targets
from pedrank.utils.errors import InputError, about

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("logme", "knn", "linear_probe")  # the first one ranks, and scores the halves
# The published LogME has no intercept, and depends on the scale of the features.
METRIC_OPTIONS: Mapping[str, Mapping[str, Any]] = {"logme": {"mode": "paper", "standardised": True}}
UNKNOWN = "unknown"  # how certain a ranking is, where no evidence tells


def rank_targets(
    features: Iterable[tuple[str, np.ndarray]],
    targets: np.ndarray,
    task: str,
    dataset: str,
    metrics: Sequence[str] = METRICS,
) -> dict[str, Any]:
    """Rank checkpoints by their features on the same samples, those with equal features once.

    Args:
        features: Pairs of a checkpoint and its features (N, D), which are scored in float32; D may differ.
        targets: (N,) or (N, K) real numbers; for "labels" (N, K) of 0 and 1, K >= 2.
        task: "regression" or "labels".
        dataset: Name of the data.
        metrics: Names that `pedrank.regression.target_score` knows; the first one ranks.

    Returns:
        dataset, task, items ("samples"), by ("metric"), metric, refinement ("none"), others (further metrics), images
        and rows (N), targets (K), halves (their number), images_of_a_half, checkpoints (rows: rank, checkpoint, score,
        first, rank_low, rank_high, score_{name} of each metric, rank_{name} of the others, mean_rank, features,
        seconds, same_as), agreement, recommendation (sure is "unknown"), undefined, chance: as
        `pedrank.ranking.facts.ranking_facts` where the names are the same.

    Raises:
        InputError: Features or targets are unusable, there are fewer than two checkpoints, or the first metric does not
            tell them apart.
    """
    import pandas as pd

    y = checked_targets(targets, task)
    halves = target_halves(y, HALVES, LARGEST)
    rows, on_halves, prints, undefined = {}, {}, {}, dict[tuple[str, str], list[str]]()
    for name, given in features:
        with about(name):
            values = _in_float32(given)
            start = time.perf_counter()
            found = {metrics[0]: target_score(metrics[0], values, y, task, **METRIC_OPTIONS.get(metrics[0], {}))}
            for metric in metrics[1:]:
                try:
                    found[metric] = target_score(metric, values, y, task, **METRIC_OPTIONS.get(metric, {}))
                except InputError as error:
                    undefined.setdefault((metric, str(error).removeprefix(f"{metric}: ")), []).append(name)
            seconds = time.perf_counter() - start
            on_halves[name] = [_on_half(metrics[0], values[half], y[half], task) for half in halves]
        rows[name] = found | {"features": values.shape[1], "seconds": seconds}
        prints[name] = fingerprint(values)
    same = twins(prints)
    scores = pd.DataFrame.from_dict(rows, orient="index").drop(index=list(same))
    if len(scores) < 2:
        raise InputError(f"all checkpoints have the same features as {scores.index[0]}; give others to rank")
    if np.ptp(scores[metrics[0]].to_numpy()) == 0:
        raise InputError(f"{metrics[0]} gives all {len(scores)} checkpoints the same score; rank them with another")
    shown = [metric for metric in metrics if metric in scores and scores[metric].notna().all()]
    table = _table(scores, pd.DataFrame.from_dict(on_halves, orient="index"), shown)
    agreement = {name: _tau(table, name) for name in shown[1:]}
    return {
        "dataset": dataset,
        "task": task,
        "items": "samples",
        "by": METRIC,
        "metric": metrics[0],
        "refinement": BASE,
        "others": shown[1:],
        "images": len(y),
        "rows": len(y),
        "targets": y.shape[1],
        "halves": HALVES,
        "images_of_a_half": len(halves[0]),
        "checkpoints": [
            {name: None if value != value else value for name, value in row.items()}
            for row in with_twins(table, same).to_dict("records")
        ],
        "agreement": agreement,
        "recommendation": first_rank(table, agreement) | {"sure": UNKNOWN, "doubts": []},
        "undefined": [
            {"metric": metric, "reason": reason, "checkpoints": names} for (metric, reason), names in undefined.items()
        ],
        "chance": chance(len(table)),
    }


def _table(scores: pd.DataFrame, on_halves: pd.DataFrame, shown: Sequence[str]) -> pd.DataFrame:
    """The ranking, the best checkpoint first."""
    first = scores[shown[0]]
    table = first.rename("score").to_frame()
    table.insert(0, "rank", ranks(first))
    table = table.assign(**places_on_halves(on_halves.loc[table.index]))
    for name in shown:
        table[f"score_{name}"] = scores[name]
    for name in shown[1:]:
        table[f"rank_{name}"] = ranks(scores[name])
    table["mean_rank"] = table[["rank", *(f"rank_{name}" for name in shown[1:])]].mean(axis=1)
    table[["features", "seconds"]] = scores[["features", "seconds"]]
    table = table.sort_values("rank", kind="stable").rename_axis("checkpoint").reset_index()
    return table[["rank", *(name for name in table.columns if name != "rank")]]


def _tau(table: pd.DataFrame, name: str) -> float | None:
    """tau_w between the ranking and that of another metric; None where all scores of that metric tie."""
    values = table[f"score_{name}"].to_numpy()
    return weighted_tau(table["score"].to_numpy(), values) if np.ptp(values) > 0 else None


def _in_float32(given: np.ndarray) -> np.ndarray:
    """Features in the form in which they are scored; those that are no real numbers are refused later."""
    if given.dtype.kind not in "fiu":
        return given
    values = np.asarray(given, np.float32)
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise InputError(f"row {np.argmin(finite)} of the features is not finite in float32; compute them again")
    return values


def _on_half(metric: str, features: np.ndarray, targets: np.ndarray, task: str) -> float:
    """The score on a half; NaN where it is undefined, as for a label that no sample of the half has."""
    try:
        return target_score(metric, features, targets, task, **METRIC_OPTIONS.get(metric, {}))
    except InputError:
        return float("nan")
