"""Prior: how accurate a checkpoint is expected to be before its features on the dataset are seen.

It rests on two kinds of published numbers (`pedrank/published/`): accuracies after fine-tuning on *other* datasets, and
ImageNet accuracy. Accuracies of one laboratory on one dataset become z-scores over its checkpoints, since percentages
of different datasets are not comparable. A checkpoint's prior is the mean of its z-scores. Where it has none, a
straight line from ImageNet accuracy to this mean, fitted to the checkpoints that have both, gives its prior.

Accuracies come first because they rank better than ImageNet accuracy (docs/evaluation.md has the numbers). Where
neither is known, the prior is NaN: the number of parameters, for example, is published for those checkpoints only
whose ImageNet accuracy is published as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.ranking.combine import shipped_parameters
from pedrank.ranking.dataset_names import dataset_names, left_out
from pedrank.ranking.known_weights import finetuned_accuracies, imagenet_accuracy, weights_key
from pedrank.ranking.recorded import FEWEST, with_record

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 10  # checkpoints that a line from ImageNet accuracy is fitted to


def prior(
    checkpoints: Mapping[str, Mapping[str, Any] | None] | Iterable[str],
    dataset: str,
    images: str = "",
    accuracies: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what is known of checkpoints before their features on a dataset are seen.

    Args:
        checkpoints: Names, as for `known_weights.weights_key`; as a mapping, with entries of a catalogue.
        dataset: Name of the dataset. Its accuracies are left out, under every usual spelling.
        images: Hash of the dataset's images; accuracies on the same images are left out as well.
        accuracies: Long table to use in place of the published accuracies: laboratory, dataset, checkpoint (a name as
            above), accuracy (percent) and, optionally, images (hash of the images).

    Returns:
        Table (n, 2) with the names as index. imagenet: ImageNet top-1 accuracy in percent. prior: mean z-score, higher
        = better. Both are NaN where nothing is known.

    >>> prior(["byol", "insdis", "torchvision:resnet50@IMAGENET1K_V1", "mine"], "cifar-10").round(2).values.tolist()
    [[74.4, 0.49], [59.5, -2.22], [76.13, 0.38], [nan, nan]]
    """
    import pandas as pd

    entries = checkpoints if isinstance(checkpoints, Mapping) else dict.fromkeys(checkpoints)
    table = pd.DataFrame(finetuned_accuracies()) if accuracies is None else accuracies
    if accuracies is not None:
        table = table.assign(checkpoint=[weights_key(name) or name for name in table["checkpoint"]])
    means = mean_z_scores(left_out(table, dataset, images))
    # A name of the user's own says nothing about its weights; only the user's own table may use it.
    keys = {name: weights_key(name, entry) or ("" if accuracies is None else name) for name, entry in entries.items()}
    imagenet = pd.Series({name: imagenet_accuracy(name, entry) for name, entry in entries.items()}, dtype=float)
    everywhere = pd.Series({key: imagenet_accuracy(key) for key in means.index}, dtype=float)
    known = pd.Series([means.get(keys[name], np.nan) for name in imagenet.index], imagenet.index, dtype=float)
    return pd.DataFrame({"imagenet": imagenet, "prior": known.fillna(_expected(imagenet, everywhere, means))})


def known_priors(
    checkpoints: Mapping[str, Mapping[str, Any] | None], dataset: str, recorded: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the prior of each checkpoint and where it comes from.

    Args:
        checkpoints: Names and entries, as for `prior`.
        dataset: Name of the dataset that is ranked; its accuracies are left out.
        recorded: Accuracies of the user's own record, from `pedrank.ranking.recorded.elsewhere`.

    Returns:
        Table (n, 3) by checkpoint: imagenet and prior, as from `prior`, and prior_from, as from `prior_sources`, with
        "N of your record" where the record counts.

    >>> known_priors({"byol": None, "mine": None}, "dtd")["prior_from"].tolist()
    ['10 other datasets', '']
    """
    import pandas as pd

    known = prior(checkpoints, dataset).assign(prior_from=prior_sources(checkpoints, dataset))
    if recorded is None or recorded.empty:
        return known
    # An ImageNet accuracy counts like the fewest datasets that make a prior.
    datasets = known["prior_from"].str.extract(r"^(\d+)")[0].astype(float).fillna(FEWEST)
    spread = float(np.exp(shipped_parameters()["points"]["log_mean"]))
    both = with_record(known["prior"], datasets, recorded, spread)
    own = pd.Series([f"{count} of your record" if count else "" for count in both["recorded"]], known.index)
    joint = np.where((known["prior_from"] != "") & (own != ""), " and ", "")
    return known.assign(prior=both["prior"], prior_from=known["prior_from"] + joint + own)


def prior_sources(checkpoints: Mapping[str, Mapping[str, Any] | None], dataset: str) -> dict[str, str]:
    """Say where the prior of each checkpoint comes from.

    Args:
        checkpoints: Names and entries, as for `prior`.
        dataset: Name of the dataset that is ranked; its accuracies are left out.

    Returns:
        By checkpoint: "N other datasets" (published accuracies after fine-tuning on them), "ImageNet accuracy", or ""
        where it has no prior.

    >>> prior_sources({"byol": None, "timm:resnet18": None, "mine": None}, "dtd")
    {'byol': '10 other datasets', 'timm:resnet18': 'ImageNet accuracy', 'mine': ''}
    """
    target = dataset_names(dataset)
    elsewhere: dict[str, set[str]] = {}
    for row in finetuned_accuracies():
        if not dataset_names(row["dataset"]) & target:
            elsewhere.setdefault(row["checkpoint"], set()).add(row["dataset"])
    found = {}
    for name, entry in checkpoints.items():
        datasets = len(elsewhere.get(weights_key(name, entry), ()))
        tuned = f"{datasets} other dataset{'s' * (datasets != 1)}" if datasets else ""
        found[name] = tuned or ("ImageNet accuracy" if imagenet_accuracy(name, entry) is not None else "")
    return found


def mean_z_scores(accuracies: pd.DataFrame) -> pd.Series:
    """Average the z-scores of each checkpoint over laboratories and datasets.

    Args:
        accuracies: Long table: laboratory, dataset, checkpoint, accuracy.

    Returns:
        Mean z-score by checkpoint; a dataset on which a laboratory's accuracies do not differ is left out.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"laboratory": "ours", "dataset": "pets", "checkpoint": ["a", "b"], "accuracy": [80, 90]})
    >>> mean_z_scores(table).to_dict()
    {'a': -1.0, 'b': 1.0}
    """
    groups = accuracies.groupby(["laboratory", "dataset"])["accuracy"]
    spread = groups.transform("std", ddof=0)
    scores = (accuracies["accuracy"] - groups.transform("mean")) / spread.where(spread > 0)
    return scores.groupby(accuracies["checkpoint"]).mean().dropna()


def has_imagenet(checkpoints: Mapping[str, Mapping[str, Any] | None]) -> set[str]:
    """Return the checkpoints with a published ImageNet accuracy."""
    return {name for name, entry in checkpoints.items() if imagenet_accuracy(name, entry) is not None}


def has_prior(checkpoints: Mapping[str, Mapping[str, Any] | None], dataset: str) -> set[str]:
    """Return the checkpoints with a prior for a dataset, without computing it."""
    target = dataset_names(dataset)
    elsewhere = {row["checkpoint"] for row in finetuned_accuracies() if not dataset_names(row["dataset"]) & target}
    return has_imagenet(checkpoints) | {
        name for name, entry in checkpoints.items() if weights_key(name, entry) in elsewhere
    }


def _expected(imagenet: pd.Series, everywhere: pd.Series, means: pd.Series) -> pd.Series:
    """Mean z-scores that ImageNet accuracies lead one to expect; plain z-scores where too few of both are known."""
    both = everywhere.notna() & means.notna()
    if both.sum() < _FEWEST or everywhere[both].nunique() == 1:
        spread = imagenet.std(ddof=0)
        return (imagenet - imagenet.mean()) / (spread if spread > 0 else 1.0)
    slope, intercept = np.polyfit(everywhere[both], means[both], 1)
    return intercept + slope * imagenet
