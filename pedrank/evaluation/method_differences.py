"""Paired differences in tau_w between every two methods, on the same checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from pedrank.evaluation import intervals, permutation
from pedrank.evaluation.inputs import Key, accuracies_of
from pedrank.evaluation.intervals import interval
from pedrank.evaluation.names import BASE, MEAN, RANDOM
from pedrank.evaluation.result import Result
from pedrank.evaluation.summary import with_baselines

COLUMNS = ["dataset", "metric", "other", "difference", "low", "high", "p_value", "p_holm"]


def method_differences(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, found: Mapping[Key, Result], seed: int = 0
) -> pd.DataFrame:
    """Compare the metrics on raw features, and the baselines, in pairs. Refinements: see `summary.summarise`.

    Args:
        scores: As for `summarise`.
        ground_truth: As for `summarise`.
        found: Their results, from `summary.results_by_dataset`.
        seed: Seed of the swaps, where not all are tried.

    Returns:
        One row per dataset and pair of metrics, and per pair for the dataset "mean" if there are several.

        - difference: tau_w of `metric` minus that of `other`; low, high: its 95 % bootstrap interval over checkpoints.
        - p_value: two-sided permutation test that swaps the two ranks of checkpoints at random; the mean swaps those
          of the same checkpoints on all datasets. See `permutation.swapped_differences`.
        - p_holm: after Holm's correction, on a dataset over the datasets of the pair, in the mean over all pairs. With
          one dataset, it is over all pairs.
    """
    accuracies = accuracies_of(ground_truth)
    everything = with_baselines(scores, accuracies)
    datasets, n = list(accuracies.columns), len(accuracies)
    metrics = [name for name in dict.fromkeys(key[1] for key in everything if key[2] == BASE) if name != RANDOM]
    patterns = permutation.swaps(n, seed)
    rows = []
    for metric, other in combinations(metrics, 2):
        swapped = {
            dataset: permutation.swapped_differences(
                everything[dataset, other, BASE],
                everything[dataset, metric, BASE],
                accuracies[dataset].to_numpy(dtype=float),
                patterns,
            )
            for dataset in datasets
        }
        if len(datasets) > 1:
            swapped[MEAN] = np.mean(list(swapped.values()), axis=0)
        for dataset, differences in swapped.items():
            one, two = found[dataset, metric, BASE], found[dataset, other, BASE]
            enough = n >= intervals.FEWEST
            low, high = interval(one.draws["resampled"] - two.draws["resampled"]) if enough else (math.nan, math.nan)
            difference = one.values["tau_w"] - two.values["tau_w"]
            rows.append((dataset, metric, other, difference, low, high, permutation.p_of_difference(differences)))
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    single = (table["dataset"] == MEAN) | (len(datasets) == 1)
    table["p_holm"] = math.nan
    table.loc[single, "p_holm"] = permutation.holm(table.loc[single, "p_value"].to_numpy())
    for _, pair in table[~single].groupby(["metric", "other"], sort=False):
        table.loc[pair.index, "p_holm"] = permutation.holm(pair["p_value"].to_numpy())
    order = {dataset: place for place, dataset in enumerate([*datasets, MEAN])}
    return table.sort_values("dataset", key=lambda names: names.map(order), kind="stable", ignore_index=True)
