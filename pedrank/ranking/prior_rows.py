"""The prior and ImageNet accuracy as rows of a study's tables: scores that all checkpoints of the study have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pedrank.evaluation.names import BASE, IMAGENET, PRIOR
from pedrank.ranking.prior import has_imagenet, has_prior, prior

if TYPE_CHECKING:
    import pandas as pd

Checkpoints = Mapping[str, Mapping[str, Any] | None]

_COLUMNS = {IMAGENET: "imagenet", PRIOR: "prior"}  # of the table of `prior`
TABLES = ("accuracy.csv", "accuracy-supervised.csv", "weights.csv", "timm-imagenet.csv", "torchvision-imagenet.csv")


def prior_rows(checkpoints: Checkpoints, datasets: Sequence[str]) -> list[str]:
    """List the rows that a study has: those that are known for all of its checkpoints on all of its datasets.

    Args:
        checkpoints: Entries of the catalogue by name; None for names that speak for themselves.
        datasets: Names of the datasets.

    >>> prior_rows({"byol": None, "swav": None}, ["dtd"]), prior_rows({"byol": None, "mine": None}, ["dtd"])
    (['imagenet-accuracy', 'prior'], [])
    """
    return [row for row, names in unknown(checkpoints, datasets).items() if not names]


def unknown(checkpoints: Checkpoints, datasets: Sequence[str]) -> dict[str, list[str]]:
    """List the checkpoints that keep a row from being in a study's tables.

    Args:
        checkpoints: As for `prior_rows`.
        datasets: Names of the datasets.

    Returns:
        By row, the checkpoints without its number on one dataset or more.

    >>> unknown({"byol": None, "dino-vit-b16": None, "mine": None}, ["dtd"])
    {'imagenet-accuracy': ['dino-vit-b16', 'mine'], 'prior': ['mine']}
    """
    with_imagenet = has_imagenet(checkpoints)
    with_prior = set(checkpoints).intersection(*(has_prior(checkpoints, dataset) for dataset in datasets))
    return {
        IMAGENET: [name for name in checkpoints if name not in with_imagenet],
        PRIOR: [name for name in checkpoints if name not in with_prior],
    }


def prior_scores(checkpoints: Checkpoints, dataset: str, rows: Sequence[str]) -> pd.DataFrame:
    """Score the checkpoints of a dataset by what is known of them.

    Args:
        checkpoints: As for `prior_rows`.
        dataset: Name of the dataset.
        rows: Rows from `prior_rows`.

    Returns:
        Long table: dataset, checkpoint, metric, refinement, score, rank_score.

    >>> prior_scores({"byol": None, "swav": None}, "dtd", ["imagenet-accuracy"])["rank_score"].tolist()
    [74.4, 75.3]
    """
    import pandas as pd

    table = prior(checkpoints, dataset)
    scores = [
        pd.DataFrame({"checkpoint": table.index, "metric": row, "score": table[_COLUMNS[row]].to_numpy()})
        for row in rows
    ]
    found = pd.concat(scores).assign(dataset=dataset, refinement=BASE)
    return found.assign(rank_score=found["score"])[
        ["dataset", "checkpoint", "metric", "refinement", "score", "rank_score"]
    ]
