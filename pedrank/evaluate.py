"""How well each metric ranks the checkpoints, and how sure one can be of it.

A metric is judged by the weighted tau between its scores and the accuracies after fine-tuning. Twelve checkpoints are
few (the standard deviation of tau_w under chance is 0.27), so each value comes with a permutation p-value, a bootstrap
interval over checkpoints, and, for a refined metric, the paired difference to the same metric on the raw features.

One set of permutations and one set of resamples serve all metrics and datasets: differences are therefore paired, and
the mean over datasets has a p-value and an interval that respect that the checkpoints are the same on each of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, product
from itertools import permutations as all_orders

import numpy as np
import pandas as pd

from pedrank.correlation import kendall_tau, weighted_tau
from pedrank.errors import InputError

STATIC_RANKER = "static-ranker"
BASE = "none"
PED = "ped-"
ORACLE = "ped-oracle"
MEAN = "mean"

PERMUTATIONS = 10_000
EXACT_UP_TO = 8  # checkpoints; 8! = 40,320 orders
RESAMPLES = 10_000
LEVEL = 0.95

COLUMNS = ["dataset", "metric", "refinement", "n", "tau_w", "kendall_tau", "p_value", "ci_low", "ci_high"]
PAIRED = ["difference", "difference_low", "difference_high"]

Key = tuple[str, str, str]  # dataset, metric, refinement


@dataclass(frozen=True)
class Correlation:
    """tau_w and Eq. 1's tau of one metric on one dataset, with tau_w under each permutation and on each resample."""

    tau_w: float
    kendall_tau: float
    permuted: np.ndarray  # (P,); the first permutation is the identity
    resampled: np.ndarray  # (B,); NaN where all resampled checkpoints tie


def summarise(scores: pd.DataFrame, ground_truth: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Correlation of every metric and refinement with the ground truth.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score (higher = better).
        ground_truth: Long table: dataset, checkpoint, accuracy (percent).
        seed: Of permutations and resamples.

    Returns:
        One row per dataset, metric and refinement: dataset, metric, refinement, n (checkpoints), tau_w, kendall_tau
        (Eq. 1), p_value (one-sided: chance of a tau_w at least as high if scores and accuracies were unrelated),
        ci_low, ci_high (95 % bootstrap interval of tau_w), and difference, difference_low, difference_high (tau_w less
        that of the same metric with refinement "none", with its interval; empty for "none"). tau_w is empty where all
        scores or all accuracies tie. Rows that no score stands behind: metric "static-ranker" (see `static_ranker`),
        refinement "ped-oracle" (see `oracle`) and, with two datasets or more, dataset "mean" (see `mean`).

    Raises:
        InputError: A score or an accuracy is missing, double or not finite; named by dataset, metric and checkpoint.
    """
    accuracies = _accuracies(ground_truth)
    rank_scores = _rank_scores(pd.concat([scores, static_ranker(accuracies)]), accuracies)
    n = len(accuracies)
    permutations, resamples = _permutations(n, seed), _resamples(n, seed)
    found = {
        key: correlate(values, accuracies[key[0]].to_numpy(), permutations, resamples)
        for key, values in rank_scores.items()
    }
    datasets, metrics, refinements = (list(dict.fromkeys(key[part] for key in found)) for part in range(3))
    for dataset, metric in product(datasets, metrics):
        moved = [
            found[dataset, metric, name]
            for name in refinements
            if name.startswith(PED) and (dataset, metric, name) in found
        ]
        if len(moved) > 1:
            found[dataset, metric, ORACLE] = oracle(moved)
    if len(datasets) > 1:
        for metric, refinement in product(metrics, [*refinements, ORACLE]):
            over = [
                found[dataset, metric, refinement] for dataset in datasets if (dataset, metric, refinement) in found
            ]
            if len(over) == len(datasets):
                found[MEAN, metric, refinement] = mean(over)
    order = [key for key in product([*datasets, MEAN], metrics, [*refinements, ORACLE]) if key in found]
    return pd.DataFrame([_row(key, n, found) for key in order], columns=COLUMNS + PAIRED)


def static_ranker(accuracies: pd.DataFrame) -> pd.DataFrame:
    """The baseline that never looks at the dataset: a checkpoint's score is its mean accuracy on the *other* datasets.

    Args:
        accuracies: Checkpoints (rows) by datasets (columns).

    Returns:
        A table like `summarise`'s scores, metric "static-ranker"; empty for a single dataset.
    """
    tables = [
        pd.DataFrame(
            {
                "dataset": dataset,
                "checkpoint": accuracies.index,
                "metric": STATIC_RANKER,
                "refinement": BASE,
                "rank_score": accuracies.drop(columns=dataset).mean(axis=1).to_numpy(),
            }
        )
        for dataset in accuracies.columns
        if accuracies.shape[1] > 1
    ]
    return pd.concat(tables) if tables else pd.DataFrame()


def correlate(
    scores: np.ndarray, accuracies: np.ndarray, permutations: np.ndarray, resamples: np.ndarray
) -> Correlation:
    """Correlate scores (n,) with accuracies (n,).

    `permutations` (P, n) reorder the accuracies; `resamples` (B, n) pick models with replacement.
    """
    eq1 = kendall_tau(scores, accuracies)
    if np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
        nothing = [np.full(len(draws), np.nan) for draws in (permutations, resamples)]
        return Correlation(math.nan, eq1, *nothing)
    permuted = weighted_taus(scores[None], accuracies[permutations])
    resampled = weighted_taus(scores[resamples], accuracies[resamples])
    return Correlation(weighted_tau(scores, accuracies), eq1, permuted, resampled)


def oracle(moved: list[Correlation]) -> Correlation:
    """The lambda that fits this dataset's ground truth best: what choosing it with hindsight looks like.

    The best is taken anew under each permutation and on each resample, so that p-value and interval pay for the choice.
    """
    best = max(moved, key=lambda one: -math.inf if math.isnan(one.tau_w) else one.tau_w)
    permuted, resampled = (
        np.fmax.reduce([getattr(one, draws) for one in moved]) for draws in ("permuted", "resampled")
    )
    return Correlation(best.tau_w, best.kendall_tau, permuted, resampled)


def mean(over: list[Correlation]) -> Correlation:
    """The mean over datasets; permutations and resamples of the checkpoints are the same on each dataset."""
    return Correlation(
        float(np.mean([one.tau_w for one in over])),
        float(np.mean([one.kendall_tau for one in over])),
        np.mean([one.permuted for one in over], axis=0),
        np.mean([one.resampled for one in over], axis=0),
    )


def p_value(correlation: Correlation) -> float:
    """Share of permutations with tau_w at least as high, the identity among them; exact where they are all orders."""
    if math.isnan(correlation.tau_w):
        return math.nan
    observed = correlation.permuted[0]
    return float(np.mean(correlation.permuted >= observed - 1e-12))  # equal up to rounding


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """Percentile bootstrap interval; covers the true tau_w of 12 models drawn at random in 94 to 97 % of cases."""
    defined = resampled[np.isfinite(resampled)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def weighted_taus(scores: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """`pedrank.weighted_tau` of each row of scores and accuracies, (B, n) or (1, n): (B,), NaN where a row is constant.

    The weight of a pair is a sum of one weight per model, so that sums over each model's pairs are all that is needed.
    """
    scores, accuracies = (np.ascontiguousarray(rows.T) for rows in np.broadcast_arrays(scores, accuracies))
    concordance, untied_scores, untied_accuracies, rank_by_score, rank_by_accuracy = np.zeros(
        (5, *scores.shape), np.int16
    )
    for i, j in combinations(range(len(scores)), 2):  # each step works on all B rows
        by_score, by_accuracy = (_signs(values[i], values[j]) for values in (scores, accuracies))
        for sums, pair in (
            (concordance, by_score * by_accuracy),
            (untied_scores, np.abs(by_score)),
            (untied_accuracies, np.abs(by_accuracy)),
        ):
            sums[i] += pair
            sums[j] += pair
        for rank, ahead in (
            (rank_by_score, 2 * by_score + by_accuracy),
            (rank_by_accuracy, 2 * by_accuracy + by_score),
        ):
            rank[i] += ahead < 0
            rank[j] += ahead >= 0  # models that tie in both are alike: either order gives the same sums
    total = np.zeros(scores.shape[1])
    for rank in (rank_by_score, rank_by_accuracy):
        weight = 1 / (rank + 1)
        pairs = (weight * untied_scores).sum(axis=0) * (weight * untied_accuracies).sum(axis=0)
        with np.errstate(invalid="ignore"):
            total += (weight * concordance).sum(axis=0) / np.sqrt(pairs)
    return total / 2


def _signs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left > right).view(np.int8) - (left < right).view(np.int8)


def _permutations(n: int, seed: int) -> np.ndarray:
    """All n! orders for few models, else random ones; the identity comes first."""
    if n <= EXACT_UP_TO:
        return np.array(list(all_orders(range(n))))
    orders = np.tile(np.arange(n), (PERMUTATIONS, 1))
    np.random.default_rng(seed).permuted(orders[1:], axis=1, out=orders[1:])
    return orders


def _resamples(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))


def _row(key: Key, n: int, found: dict[Key, Correlation]) -> tuple:
    dataset, metric, refinement = key
    one, base = found[key], found.get((dataset, metric, BASE))
    paired = (math.nan, math.nan, math.nan)
    if refinement != BASE and base is not None:
        paired = (one.tau_w - base.tau_w, *interval(one.resampled - base.resampled))
    return (*key, n, one.tau_w, one.kendall_tau, p_value(one), *interval(one.resampled), *paired)


def _accuracies(ground_truth: pd.DataFrame) -> pd.DataFrame:
    """Checkpoints (rows) by datasets (columns), in the order in which they come."""
    double = ground_truth[ground_truth.duplicated(["dataset", "checkpoint"])]
    if len(double):
        raise InputError(f"{double['dataset'].iloc[0]}: two accuracies of '{double['checkpoint'].iloc[0]}'; leave one")
    datasets, checkpoints = (list(dict.fromkeys(ground_truth[column])) for column in ("dataset", "checkpoint"))
    wide = ground_truth.pivot(index="checkpoint", columns="dataset", values="accuracy").loc[checkpoints, datasets]
    for dataset in datasets:
        bad = ~np.isfinite(wide[dataset].to_numpy(dtype=float))
        if bad.any():
            raise InputError(
                f"{dataset}: no accuracy of '{wide.index[bad][0]}'; add it, or leave the checkpoint out of the study"
            )
    if len(checkpoints) < 2:
        raise InputError("ground truth: there is one checkpoint only; ranking needs at least two")
    return wide


def _rank_scores(scores: pd.DataFrame, accuracies: pd.DataFrame) -> dict[Key, np.ndarray]:
    """Scores (n,) in the order of the accuracies' rows, by dataset, metric and refinement."""
    found = {}
    for key, group in scores.groupby(["dataset", "metric", "refinement"], sort=False):
        dataset, metric, refinement = key
        where = f"{dataset}: {metric}" + ("" if refinement == BASE else f" ({refinement})")
        if dataset not in accuracies:
            raise InputError(f"{where}: there is no ground truth on this dataset; add it")
        if group["checkpoint"].duplicated().any():
            raise InputError(
                f"{where}: two scores of '{group['checkpoint'][group['checkpoint'].duplicated()].iloc[0]}'; leave one"
            )
        unknown = set(group["checkpoint"]) - set(accuracies.index)
        if unknown:
            raise InputError(
                f"{where}: no accuracy of '{min(unknown)}'; add it, or leave the checkpoint out of the study"
            )
        values = group.set_index("checkpoint")["rank_score"].reindex(accuracies.index)
        bad = ~np.isfinite(values.to_numpy(dtype=float))
        if bad.any():
            name, value = accuracies.index[bad][0], values[bad].iloc[0]
            wrong = "is missing" if name not in set(group["checkpoint"]) else f"is {value}"
            raise InputError(
                f"{where}: the score of '{name}' {wrong}; run it again, or leave the checkpoint out of the study"
            )
        found[key] = values.to_numpy(dtype=float)
    return found
