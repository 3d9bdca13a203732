"""The scores of a study as one tidy table: a row for each dataset, checkpoint, metric and refinement."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import WITHOUT_FEATURES
from pedrank.utils.errors import InputError

KEYS = ["dataset", "checkpoint", "metric", "refinement"]
COLUMNS = [*KEYS, "score", "rank_score", "seconds", "n", "d", "c", "accuracy"]


def per_checkpoint(scores: pd.DataFrame, seconds: pd.DataFrame, ground_truth: pd.DataFrame) -> pd.DataFrame:
    """Join scores, their costs and the accuracies that they should predict.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, score, rank_score.
        seconds: Long table: the same keys, seconds, n (samples), d (features), c (classes), and, where a refinement was
            computed, refinement_seconds.
        ground_truth: Long table: dataset, checkpoint, accuracy (percent).

    Returns:
        The rows of `scores`, in their order, with the columns `COLUMNS`. seconds include those of the refinement.

    Raises:
        InputError: A score has no seconds or no accuracy, or a key is there twice.

    >>> key = {"dataset": ["pets"], "checkpoint": ["moco"], "metric": ["logme"], "refinement": ["none"]}
    >>> scores = pd.DataFrame(key | {"score": [0.5], "rank_score": [0.5]})
    >>> seconds = pd.DataFrame(key | {"seconds": [2.0], "n": [90], "d": [64], "c": [37]})
    >>> truth = pd.DataFrame({"dataset": ["pets"], "checkpoint": ["moco"], "accuracy": [88.0]})
    >>> per_checkpoint(scores, seconds, truth).loc[0, ["score", "seconds", "accuracy"]].tolist()
    [0.5, 2.0, 88.0]
    """
    if "refinement_seconds" in seconds:
        seconds = seconds.assign(seconds=seconds["seconds"] + seconds["refinement_seconds"].fillna(0))
    table = scores[~scores["metric"].isin(WITHOUT_FEATURES)]  # numbers that are looked up have no cost
    for what, part, keys in (
        ("seconds", seconds[[*KEYS, "seconds", "n", "d", "c"]], KEYS),
        ("accuracy", ground_truth[[*KEYS[:2], "accuracy"]], KEYS[:2]),
    ):
        twice = part[part.duplicated(keys)]
        if len(twice):
            raise InputError(f"{' '.join(map(str, twice.iloc[0][keys]))}: {what} is there twice; run the study again")
        table = table.merge(part, on=keys, how="left")
        missing = table[table[what].isna()]
        if len(missing):
            raise InputError(f"{' '.join(map(str, missing.iloc[0][KEYS]))}: has no {what}; run the study again")
    return table.astype({"n": int, "d": int, "c": int})[COLUMNS]
