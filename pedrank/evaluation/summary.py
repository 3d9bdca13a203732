"""The table of a study: how well each method ranks, how uncertain that is, and what following the ranking costs.

Twelve checkpoints are few: the standard deviation of tau_w under chance is 0.27. Every value therefore has an interval
or a p-value beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from pedrank.evaluation import intervals, model_subsets, permutation
from pedrank.evaluation.baselines import random_ranker, static_ranker
from pedrank.evaluation.inputs import Key, accuracies_of, scores_of
from pedrank.evaluation.intervals import interval, seed_errors
from pedrank.evaluation.names import BASE, CONSENSUS, MEAN, ORACLE, RANDOM
from pedrank.evaluation.result import Result, make_draws, mean_result, results

COLUMNS = [
    *("dataset", "metric", "refinement", "chosen", "n"),
    *("tau_w", "kendall_tau", "spearman", "pearson", "fidelity"),
    *("p_value", "p_holm", "ci_low", "ci_high", "seed_low", "seed_high"),
    *("difference", "difference_low", "difference_high", "difference_p", "difference_p_holm"),
    *("regret_1", "regret_2", "regret_3", "relative_1", "relative_2", "relative_3", "p_best"),
    *("left_out_low", "left_out_high", "subset_sd", "subset_wins"),
]


def summarise(scores: pd.DataFrame, ground_truth: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Compare every metric and refinement with the ground truth.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score (higher = better).
        ground_truth: Long table: dataset, checkpoint, accuracy (percent) and, where they are known, sd and seeds.
        seed: Seed of all draws.

    Returns:
        One row per dataset, metric and refinement; undefined values are empty.

        - n: number of checkpoints; chosen: the chosen refinement, in the rows "ped-oracle" and "ped-consensus".
        - tau_w, kendall_tau (Eq. 1), spearman, pearson, fidelity: see `correlation`. All but kendall_tau are empty
          where all scores or all accuracies tie.
        - p_value: one-sided permutation test of tau_w; p_holm: the same after Holm's correction over the datasets.
        - ci_low, ci_high: 95 % bootstrap interval of tau_w over checkpoints; see `intervals.interval`.
        - seed_low, seed_high: 95 % interval of tau_w for the same checkpoints fine-tuned under other seeds.
        - difference: tau_w minus that of the same metric on the raw features; difference_low, difference_high: its 95 %
          interval over the same checkpoints; difference_p: two-sided, see `permutation.swapped_differences`;
          difference_p_holm: after Holm's correction over the datasets.
        - regret_k (percentage points), relative_k (share), p_best (probability): see `regret`.
        - left_out_low, left_out_high: smallest and largest tau_w with one checkpoint left out; subset_sd: standard
          deviation of tau_w over random subsets of two thirds of the checkpoints; subset_wins: share of these subsets
          in which the method has the highest tau_w.

        Some rows are added: the metrics "static-ranker" and "random" (see `baselines`), the refinements "ped-oracle"
        and "ped-consensus" (see `result.results`), and, for two or more datasets, the dataset "mean".

    Raises:
        InputError: A score or an accuracy is missing, given twice or not finite. The message names dataset, metric and
            checkpoint.

    >>> checkpoints = ["byol", "moco", "simclr"]
    >>> scores = pd.DataFrame({"dataset": "pets", "checkpoint": checkpoints, "rank_score": [3.0, 2.0, 1.0]})
    >>> truth = pd.DataFrame({"dataset": "pets", "checkpoint": checkpoints, "accuracy": [90.0, 80.0, 85.0]})
    >>> table = summarise(scores.assign(metric="logme", refinement="none"), truth)
    >>> table[["metric", "tau_w", "regret_1"]].round(3).values.tolist()
    [['logme', 0.545, 0.0], ['random', 0.0, 5.0]]
    """
    return summary_of(results_by_dataset(scores, ground_truth, seed), ground_truth["checkpoint"].nunique())


def with_baselines(scores: pd.DataFrame, accuracies: pd.DataFrame) -> dict[Key, np.ndarray]:
    """Scores of all methods and of the baselines that every table has, in the order of the accuracies' rows.

    Args:
        scores: As for `summarise`.
        accuracies: Checkpoints (rows) by datasets (columns), from `accuracies_of`.

    Returns:
        Scores (n,) by dataset, metric and refinement.
    """
    return scores_of(pd.concat([scores, static_ranker(accuracies), random_ranker(accuracies)]), accuracies)


def results_by_dataset(scores: pd.DataFrame, ground_truth: pd.DataFrame, seed: int = 0) -> dict[Key, Result]:
    """Values and draws of every method and of the baselines, on each dataset and in the mean over datasets.

    Args, and Raises, are those of `summarise`.

    Returns:
        One result by dataset ("mean" for the mean), metric and refinement. All share the same draws.
    """
    accuracies = accuracies_of(ground_truth)
    n = len(accuracies)
    everything = with_baselines(scores, accuracies)
    draws, random = make_draws(n, seed), np.random.default_rng(seed)
    found: dict[Key, Result] = {}
    for dataset in accuracies.columns:
        of_dataset = {key[1:]: values for key, values in everything.items() if key[0] == dataset}
        truth = ground_truth[ground_truth["dataset"] == dataset].set_index("checkpoint").loc[accuracies.index]
        measured, errors = accuracies[dataset].to_numpy(dtype=float), seed_errors(truth)[0]
        found |= {(dataset, *key): cell for key, cell in results(of_dataset, measured, errors, draws, random).items()}
    datasets = list(accuracies.columns)
    if len(datasets) > 1:
        for method in _methods(found):
            over = [found[dataset, *method] for dataset in datasets if (dataset, *method) in found]
            if len(over) == len(datasets):
                found[MEAN, *method] = mean_result(over)
    return found


def _methods(found: Mapping[Key, Result]) -> list[tuple[str, str]]:
    """Every metric with every refinement, in the order of their first appearance; consensus and oracle come last."""
    metrics, refinements = (list(dict.fromkeys(key[part] for key in found)) for part in (1, 2))
    refinements = [name for name in refinements if name not in (CONSENSUS, ORACLE)] + [CONSENSUS, ORACLE]
    return list(product(metrics, refinements))


def summary_of(found: Mapping[Key, Result], n: int) -> pd.DataFrame:
    """The table of `summarise`.

    Args:
        found: From `results_by_dataset`.
        n: Number of checkpoints.
    """
    datasets = dict.fromkeys(dataset for dataset, *_ in found)
    order = [(dataset, *method) for dataset in datasets for method in _methods(found) if (dataset, *method) in found]
    table = pd.DataFrame([_row(key, n, found) for key in order])
    for dataset in dict.fromkeys(table["dataset"]):
        table.loc[table["dataset"] == dataset, "subset_wins"] = _wins(dataset, order, found)
    for p_value, adjusted in (("p_value", "p_holm"), ("difference_p", "difference_p_holm")):
        over = table["dataset"] != MEAN
        table[adjusted] = table[p_value]  # one test over all datasets needs no correction
        families = table[over].groupby(["metric", "refinement"], sort=False)[p_value]
        table.loc[over, adjusted] = families.transform(lambda family: permutation.holm(family.to_numpy()))
    return table[COLUMNS]


def _row(key: Key, n: int, found: Mapping[Key, Result]) -> dict[str, object]:
    dataset, metric, refinement = key
    cell, base = found[key], found.get((dataset, metric, BASE))
    draws = cell.draws

    def over_models(taus: np.ndarray) -> tuple[float, float]:
        return interval(taus) if n >= intervals.FEWEST else (math.nan, math.nan)

    difference, low, high = math.nan, math.nan, math.nan
    if refinement != BASE and base is not None:
        difference = cell.values["tau_w"] - base.values["tau_w"]
        low, high = over_models(draws["resampled"] - base.draws["resampled"])
    left_out = draws["left_out"][np.isfinite(draws["left_out"])]
    span = (float(left_out.min()), float(left_out.max())) if len(left_out) else (math.nan, math.nan)
    return {
        **{"dataset": dataset, "metric": metric, "refinement": refinement, "chosen": cell.chosen or None, "n": n},
        **cell.values,
        "p_value": permutation.p_of_tau(draws["permuted"]),
        **dict(zip(("ci_low", "ci_high"), over_models(draws["resampled"]), strict=True)),
        **dict(zip(("seed_low", "seed_high"), interval(draws["reseeded"]), strict=True)),
        **{"difference": difference, "difference_low": low, "difference_high": high},
        "difference_p": permutation.p_of_difference(draws["swapped"]),
        **dict(zip(("left_out_low", "left_out_high"), span, strict=True)),
        "subset_sd": model_subsets.spread(draws["subsets"]),
    }


def _wins(dataset: str, order: list[Key], found: Mapping[Key, Result]) -> list[float]:
    """`model_subsets.wins` of the methods on one dataset; "random", oracle and consensus do not compete."""
    keys = [key for key in order if key[0] == dataset]
    compete = [key for key in keys if key[1] != RANDOM and key[2] not in (CONSENSUS, ORACLE)]
    shares = model_subsets.wins(np.array([found[key].draws["subsets"] for key in compete]))
    return [dict(zip(compete, shares, strict=True)).get(key, math.nan) for key in keys]
