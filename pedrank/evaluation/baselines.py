"""Baselines that a metric has to beat: rankers that use no features of the dataset."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, RANDOM, STATIC_RANKER


def static_ranker(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Score each checkpoint by its mean accuracy on the *other* datasets.

    Args:
        accuracies: Checkpoints (rows) by datasets (columns).

    Returns:
        Long table: dataset, checkpoint, metric "static-ranker", refinement "none", rank_score; empty for one dataset.

    >>> table = static_ranker(pd.DataFrame({"pets": [90.0, 80.0], "cars": [40.0, 60.0]}, index=["moco", "byol"]))
    >>> table[table["dataset"] == "pets"]["rank_score"].tolist()
    [40.0, 60.0]
    """
    if accuracies.shape[1] < 2:
        return pd.DataFrame()
    return _long({name: accuracies.drop(columns=name).mean(axis=1) for name in accuracies.columns}, STATIC_RANKER)


def random_ranker(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Give every checkpoint the same score, so that all tie and any order of them is random.

    Args:
        accuracies: Checkpoints (rows) by datasets (columns).

    Returns:
        Long table as of `static_ranker`, with the metric "random".
    """
    return _long({name: accuracies[name] * 0.0 for name in accuracies.columns}, RANDOM)


def _long(scores: dict[str, pd.Series], metric: str) -> pd.DataFrame:
    tables = [
        pd.DataFrame(
            {
                "dataset": dataset,
                "checkpoint": values.index,
                "metric": metric,
                "refinement": BASE,
                "rank_score": values.to_numpy(),
            }
        )
        for dataset, values in scores.items()
    ]
    return pd.concat(tables)
