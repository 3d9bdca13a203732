"""Rankers that look at no feature of the dataset: what a metric has to beat."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, RANDOM, STATIC_RANKER


def static_ranker(accuracies: pd.DataFrame) -> pd.DataFrame:
    """A checkpoint's score is its mean accuracy on the *other* datasets.

    Args:
        accuracies: Checkpoints (rows) by datasets (columns).

    Returns:
        Long table: dataset, checkpoint, metric "static-ranker", refinement "none", rank_score; empty for one dataset.
    """
    if accuracies.shape[1] < 2:
        return pd.DataFrame()
    return _long({name: accuracies.drop(columns=name).mean(axis=1) for name in accuracies.columns}, STATIC_RANKER)


def random_ranker(accuracies: pd.DataFrame) -> pd.DataFrame:
    """The same score for every checkpoint: whichever order the ties are put in is chance."""
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
