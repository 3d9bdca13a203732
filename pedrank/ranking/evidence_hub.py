"""A hub of evidence: checkpoints whose accuracies on several datasets are known, and what could be known before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pedrank.evaluation.names import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Hub:
    """Checkpoints fine-tuned by one laboratory.

    Attributes:
        accuracies: Checkpoints by datasets, percent.
        scores: By dataset, checkpoints by metrics; empty where no scores of single checkpoints are known.
        imagenet: ImageNet accuracy by checkpoint; None where it is unknown.
        taus: By dataset, tau_w by metric, where only these were published.
    """

    accuracies: pd.DataFrame
    scores: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    imagenet: pd.Series | None = None
    taus: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def static(self, dataset: str) -> pd.Series:
        """Prior from elsewhere: mean z-score of each checkpoint's accuracies on the *other* datasets."""
        others = self.accuracies.drop(columns=dataset)
        return ((others - others.mean()) / others.std(ddof=0)).mean(axis=1)

    def priors(self, dataset: str) -> Iterator[tuple[str, pd.Series]]:
        """Name and values of each prior that is known before a dataset is seen."""
        if self.accuracies.shape[1] > 1:
            yield "static", self.static(dataset)
        if self.imagenet is not None:
            yield "ImageNet", self.imagenet.reindex(self.accuracies.index)

    def without(self, dataset: str) -> Hub:
        """The hub without one of its datasets."""
        return Hub(
            self.accuracies.drop(columns=dataset),
            {name: table for name, table in self.scores.items() if name != dataset},
            self.imagenet,
            {name: values for name, values in self.taus.items() if name != dataset},
        )


def hub_of(
    accuracies: pd.DataFrame,
    scores: pd.DataFrame | None = None,
    imagenet: pd.Series | None = None,
    taus: pd.DataFrame | None = None,
) -> Hub:
    """A hub from long tables.

    Args:
        accuracies: dataset, checkpoint, accuracy (percent).
        scores: dataset, checkpoint, metric, and score or rank_score; refinement where some scores are refined.
        imagenet: ImageNet accuracy by checkpoint.
        taus: dataset, metric, refinement, tau_w.

    Returns:
        The hub; a refined metric is named "logme+ped-0.6".

    >>> long = pd.DataFrame({"dataset": "pets", "checkpoint": ["moco", "byol"], "accuracy": [80.0, 90.0]})
    >>> hub_of(long).accuracies["pets"].tolist()
    [90.0, 80.0]
    """
    wide = accuracies.pivot(index="checkpoint", columns="dataset", values="accuracy")
    by_dataset = {}
    if scores is not None:
        value = "rank_score" if "rank_score" in scores else "score"
        for dataset, rows in scores.assign(metric=method_names(scores)).groupby("dataset"):
            by_dataset[dataset] = rows.pivot(index="checkpoint", columns="metric", values=value).reindex(wide.index)
    printed: dict[str, dict[str, float]] = {}
    if taus is not None:
        raw = taus[taus["refinement"] == BASE]
        printed = {name: dict(zip(rows["metric"], rows["tau_w"], strict=True)) for name, rows in raw.groupby("dataset")}
    return Hub(wide, by_dataset, imagenet, printed)


def raw_scores(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of metrics on raw features: methods after a refinement have a "+" in their names.

    Args:
        table: Checkpoints by methods.

    >>> list(raw_scores(pd.DataFrame({"logme": [1.0], "logme+ped-0.6": [2.0]})))
    ['logme']
    """
    return table[[column for column in table if "+" not in column]]


def method_names(scores: pd.DataFrame) -> pd.Series:
    """Names of methods: logme, or logme+ped-0.6 after a refinement.

    Args:
        scores: metric, and refinement where some scores are refined.
    """
    if "refinement" not in scores:
        return scores["metric"]
    suffix = np.where(scores["refinement"] == BASE, "", "+" + scores["refinement"])
    return scores["metric"] + suffix
