"""Scores and ground truth, checked and put into the same order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pedrank.evaluation.names import BASE
from pedrank.utils.errors import InputError

Key = tuple[str, str, str]  # dataset, metric, refinement


def accuracies_of(ground_truth: pd.DataFrame) -> pd.DataFrame:
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


def scores_of(scores: pd.DataFrame, accuracies: pd.DataFrame) -> dict[Key, np.ndarray]:
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
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        bad = ~np.isfinite(numbers)
        if bad.any():
            name, value = accuracies.index[bad][0], values[bad].iloc[0]
            wrong = "is missing" if name not in set(group["checkpoint"]) else f"is {value}"
            raise InputError(
                f"{where}: the score of '{name}' {wrong}; run it again, or leave the checkpoint out of the study"
            )
        found[key] = numbers
    return found
