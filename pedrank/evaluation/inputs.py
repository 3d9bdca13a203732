"""Scores and ground truth, checked and brought into the same order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pedrank.evaluation.names import BASE
from pedrank.utils.errors import InputError

Key = tuple[str, str, str]  # dataset, metric, refinement


def accuracies_of(ground_truth: pd.DataFrame) -> pd.DataFrame:
    """Pivot a long table of accuracies into checkpoints (rows) by datasets (columns).

    Args:
        ground_truth: Long table: dataset, checkpoint, accuracy (percent).

    Returns:
        The wide table; rows and columns keep the order of their first appearance.

    Raises:
        InputError: An accuracy is missing, given twice or not finite, or there is only one checkpoint.

    >>> table = pd.DataFrame({"dataset": "pets", "checkpoint": ["moco", "byol"], "accuracy": [90.0, 80.0]})
    >>> accuracies_of(table).to_dict()
    {'pets': {'moco': 90.0, 'byol': 80.0}}
    """
    double = ground_truth[ground_truth.duplicated(["dataset", "checkpoint"])]
    if len(double):
        raise InputError(f"{double['dataset'].iloc[0]}: two accuracies of '{double['checkpoint'].iloc[0]}'; keep one")
    datasets, checkpoints = (list(dict.fromkeys(ground_truth[column])) for column in ("dataset", "checkpoint"))
    wide = ground_truth.pivot(index="checkpoint", columns="dataset", values="accuracy").loc[checkpoints, datasets]
    for dataset in datasets:
        bad = ~np.isfinite(wide[dataset].to_numpy(dtype=float))
        if bad.any():
            raise InputError(
                f"{dataset}: no accuracy of '{wide.index[bad][0]}'; add it, or remove the checkpoint from the study"
            )
    if len(checkpoints) < 2:
        raise InputError("ground truth: only one checkpoint; a ranking needs at least two")
    return wide


def scores_of(scores: pd.DataFrame, accuracies: pd.DataFrame) -> dict[Key, np.ndarray]:
    """Scores in the order of the accuracies' rows.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        accuracies: Checkpoints (rows) by datasets (columns), from `accuracies_of`.

    Returns:
        Scores (n,) by dataset, metric and refinement.

    Raises:
        InputError: A score is missing, given twice or not finite, or has no accuracy.
    """
    found = {}
    for key, group in scores.groupby(["dataset", "metric", "refinement"], sort=False):
        dataset, metric, refinement = key
        where = f"{dataset}: {metric}" + ("" if refinement == BASE else f" ({refinement})")
        if dataset not in accuracies:
            raise InputError(
                f"{where}: no ground truth on this dataset; add accuracies, or remove the dataset from the study"
            )
        if group["checkpoint"].duplicated().any():
            raise InputError(
                f"{where}: two scores of '{group['checkpoint'][group['checkpoint'].duplicated()].iloc[0]}'; keep one"
            )
        unknown = set(group["checkpoint"]) - set(accuracies.index)
        if unknown:
            raise InputError(
                f"{where}: no accuracy of '{min(unknown)}'; add it, or remove the checkpoint from the study"
            )
        values = group.set_index("checkpoint")["rank_score"].reindex(accuracies.index)
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        bad = ~np.isfinite(numbers)
        if bad.any():
            name, value = accuracies.index[bad][0], values[bad].iloc[0]
            wrong = "is missing" if name not in set(group["checkpoint"]) else f"is {value}"
            raise InputError(
                f"{where}: the score of '{name}' {wrong}; compute it again, or remove the checkpoint from the study"
            )
        found[key] = numbers
    return found
