"""Results of all methods on one dataset: values, and tau_w under every draw.

All methods and datasets share one set of draws. Differences are therefore paired. The draws of a mean over datasets are
the means of the draws, which accounts for the checkpoints being the same on every dataset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pedrank.evaluation import intervals, model_subsets, permutation
from pedrank.evaluation.correlation import fidelity, kendall_tau, pearson, spearman
from pedrank.evaluation.names import BASE, CONSENSUS, ORACLE, PED, RANDOM, WITHOUT_FEATURES
from pedrank.evaluation.regret import TOP, probability_of_best, regret, relative_accuracy
from pedrank.evaluation.weighted_tau import taus_of_models, taus_of_orders, weighted_taus

Method = tuple[str, str]  # metric, refinement


@dataclass(frozen=True)
class Draws:
    """Random draws for n models, shared by all methods and datasets."""

    orders: np.ndarray  # (P, n): permutations of the accuracies, the identity first
    resamples: np.ndarray  # (B, n): how often each model comes in a bootstrap resample
    left_out: np.ndarray  # (n, n): 0 for the model that is left out
    subsets: np.ndarray  # (S, n): 1 for the models of a random subset
    swaps: np.ndarray  # (S, n): whether a model's ranks by two methods are swapped


def make_draws(n: int, seed: int) -> Draws:
    """Draw orders, resamples, subsets and swaps once.

    Args:
        n: Number of models.
        seed: Seed of all draws.

    Returns:
        The draws.

    >>> make_draws(4, seed=0).orders.shape
    (24, 4)
    """
    return Draws(
        permutation.orders(n, seed),
        intervals.resamples(n, seed),
        model_subsets.leave_one_out(n),
        model_subsets.subsets(n, seed),
        permutation.swaps(n, seed),
    )


@dataclass(frozen=True)
class Result:
    """One method on one dataset, or its mean over datasets.

    Attributes:
        values: tau_w, kendall_tau, spearman, pearson, fidelity, regret_k, relative_k and p_best.
        draws: tau_w under the draws "permuted" (P,), "resampled" (B,), "left_out" (n,), "subsets" (S,) and "reseeded"
            (R,); "swapped" holds differences of tau_w.
        chosen: Refinement chosen by oracle or consensus; empty elsewhere.
    """

    values: dict[str, float]
    draws: dict[str, np.ndarray]
    chosen: str = ""


def results(
    scores: dict[Method, np.ndarray],
    accuracies: np.ndarray,
    errors: np.ndarray,
    draws: Draws,
    random: np.random.Generator,
) -> dict[Method, Result]:
    """Results of all methods on one dataset.

    Args:
        scores: Scores (n,) by metric and refinement, higher = better.
        accuracies: (n,), percent.
        errors: (n,), standard errors of the accuracies in percent.
        draws: Draws of `make_draws` for n models.
        random: Source of the accuracies under other seeds.

    Returns:
        One result per method. Metrics with several lambdas also get "ped-oracle" and "ped-consensus".
    """
    again = intervals.reseeded(accuracies, errors, random)
    rows = np.array(list(scores.values()))
    under_order, under_seeds = taus_of_orders(rows, accuracies[draws.orders]), taus_of_orders(rows, again)
    found = {}
    for method, values, permuted, reseeded in zip(scores, rows, under_order, under_seeds, strict=True):
        taus = {"permuted": permuted, "reseeded": reseeded}
        taus |= {
            name: taus_of_models(values, accuracies, counts)
            for name, counts in (
                ("resampled", draws.resamples),
                ("left_out", draws.left_out),
                ("subsets", draws.subsets),
            )
        }
        base = scores.get((method[0], BASE))
        taus["swapped"] = (
            np.full(len(draws.swaps), np.nan)
            if base is None or method[1] == BASE
            else permutation.swapped_differences(base, values, accuracies, draws.swaps)
        )
        found[method] = Result(_values(values, accuracies, again), taus)
    if (RANDOM, BASE) in found:
        found[RANDOM, BASE] = _random(found[RANDOM, BASE], accuracies, draws.orders, random)
    for metric in dict.fromkeys(metric for metric, _ in scores):
        lambdas = [name for owner, name in scores if owner == metric and name.startswith(PED)]
        if len(lambdas) > 1:
            found[metric, CONSENSUS] = _consensus(metric, lambdas, scores, found)
            found[metric, ORACLE] = _oracle({name: found[metric, name] for name in lambdas})
    return found


def mean_result(over: list[Result]) -> Result:
    """Mean of one method's results over datasets, value by value and draw by draw."""
    return Result(
        {name: float(np.mean([cell.values[name] for cell in over])) for name in over[0].values},
        {name: np.mean([cell.draws[name] for cell in over], axis=0) for name in over[0].draws},
    )


def _values(scores: np.ndarray, accuracies: np.ndarray, again: np.ndarray) -> dict[str, float]:
    values = {
        "tau_w": float(weighted_taus(scores[None], accuracies[None])[0]),
        "kendall_tau": kendall_tau(scores, accuracies),
        "spearman": spearman(scores, accuracies),
        "pearson": pearson(scores, accuracies),
        "fidelity": fidelity(scores, accuracies),
    }
    values |= {f"regret_{k}": regret(scores, accuracies, k) for k in TOP}
    values |= {f"relative_{k}": relative_accuracy(scores, accuracies, k) for k in TOP}
    return values | {"p_best": probability_of_best(scores, again)}


def _random(cell: Result, accuracies: np.ndarray, orders: np.ndarray, random: np.random.Generator) -> Result:
    """Random ranking, drawn anew on each dataset: correlations have mean zero and the spread of chance."""
    chance = taus_of_orders(np.arange(len(accuracies))[None], accuracies[orders])[0]
    zero = dict.fromkeys(("tau_w", "kendall_tau", "spearman", "pearson", "fidelity"), 0.0)
    count = len(cell.draws["resampled"])
    return Result(cell.values | zero, cell.draws | {"resampled": random.choice(chance, count)})


def _consensus(
    metric: str, lambdas: list[str], scores: dict[Method, np.ndarray], found: dict[Method, Result]
) -> Result:
    """Result of the lambda whose ranking agrees best (mean tau_w) with all rankings by raw features.

    The choice uses no accuracy.
    """
    others = [values for (owner, name), values in scores.items() if name == BASE and owner not in WITHOUT_FEATURES]
    agreement = [np.nanmean([-1.0, *weighted_taus(scores[metric, name][None], np.array(others))]) for name in lambdas]
    chosen = lambdas[int(np.argmax(agreement))]
    return Result(found[metric, chosen].values, found[metric, chosen].draws, chosen)


def _oracle(moved: dict[str, Result]) -> Result:
    """Result of the lambda with the highest tau_w on this dataset, which is chosen with the accuracies known.

    The best lambda is chosen again under each draw, so p-value and intervals account for the choice.
    """
    taus = {name: cell.values["tau_w"] for name, cell in moved.items()}
    chosen = max(taus, key=lambda name: -math.inf if math.isnan(taus[name]) else taus[name])
    draws = {
        name: np.fmax.reduce([cell.draws[name] for cell in moved.values()])
        for name in ("permuted", "resampled", "left_out", "subsets", "reseeded")
    }
    draws["swapped"] = np.full_like(moved[chosen].draws["swapped"], np.nan)  # undefined for a lambda chosen afterwards
    return Result(moved[chosen].values, draws, chosen)
