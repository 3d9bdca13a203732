"""`pedrank.rank`: which checkpoint should I fine-tune? By features in memory, or by images and checkpoints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pedrank.interactive.ranking_result import Ranking
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def rank(
    features: Mapping[str, ArrayLike] | None = None,
    labels: ArrayLike | None = None,
    *,
    dataset: str | None = None,
    metric: str | Sequence[str] | None = None,
    refine: float | None = None,
    task: str | None = None,
    images: str | os.PathLike | None = None,
    checkpoints: str | Sequence[str] | None = None,
    **options: Any,
) -> Ranking:
    """Rank checkpoints for labelled data, by features or by images. The numbers are those of `pedrank rank`.

    By features, everything is computed in this process, on one core: the same as `pedrank rank --images FOLDER`, where
    FOLDER has one file of features per checkpoint. By images, `pedrank rank` runs in a process of its own: the workflow
    extracts the features, and keeps them and all other results in a folder (`out`), so the next call continues there.

    Args:
        features: By checkpoint, (N, D) real numbers of NumPy, pandas or torch, scored in float32; D may differ. The
            names do not tell which weights a checkpoint has, so it has no prior (published accuracies).
        labels: (N,) integers or texts, in the order of the rows: the class of each sample. Or real numbers (N,) or
            (N, K), the targets of a regression; or 0 and 1 (N, K), K labels per sample. For these two, logme, knn and
            linear_probe rank, without published accuracies and without a probability.
        dataset: Name of the data behind features in the answer; by default "features".
        metric: Rank by this metric, or by the first of several, alone; by default published accuracies and the metrics
            logme, sfda, gbc and knn together rank.
        refine: Rank by one metric after PED with this radius coefficient (lambda).
        task: "classes", "regression" or "labels" (several per sample). By default the labels decide: numbers with
            fractions or a table of numbers are a regression, a table of 0 and 1 has several labels per sample.
        images: A folder with one folder per class, a table of paths and labels, a Hugging Face dataset on disk, or a
            dataset of the catalogue.
        checkpoints: Names such as "byol", "timm:resnet50.a1_in1k" or "mine.pth=resnet50" (`pedrank rank --help`).
        options: Further options of `pedrank rank` for images, with underscores: zoo="tiny", finetune="top3",
            out="results", skip_broken=True.

    Returns:
        The ranking: `table`, `picks`, `sure`, `sentences`, `notes`, `save`. A notebook shows it as a table.

    Raises:
        InputError: Data, names or options are unusable, or nothing tells the checkpoints apart; for images also if the
            packages of the workflow are missing.

    >>> import numpy as np
    >>> y = np.repeat(["cat", "dog"], 30)
    >>> Z = np.random.default_rng(0).normal(size=(60, 4))
    >>> ranking = rank({"blind": Z, "seeing": Z + 3 * (y == "dog")[:, None]}, y)
    >>> ranking.picks, ranking.sure in ("sure", "likely", "open")
    (['seeing'], True)
    >>> ages = 50 + 9 * Z[:, 0]
    >>> ranking = rank({"all": Z, "rest": Z[:, 1:]}, ages)
    >>> ranking.picks, ranking.sure, ranking.table["score_linear_probe"].round(2).tolist()[0]
    (['all'], 'unknown', 1.0)
    """
    if (features is None) == (images is None):
        raise InputError("rank: give either features and labels, or images and checkpoints")
    if features is None:
        from pedrank.interactive.rank_command import rank_by_command

        if labels is not None or dataset is not None:
            raise InputError("rank: leave out labels and dataset, since the images come with both")
        given = {"images": images, "checkpoints": _listed(checkpoints), "metric": _listed(metric), "refine": refine}
        return Ranking(rank_by_command(given | {"task": task} | options))
    if labels is None:
        raise InputError("rank: give the labels of the rows as second argument")
    extra = [name for name, value in {"checkpoints": checkpoints, **options}.items() if value is not None]
    if extra:
        raise InputError(f"rank: {extra[0]} has an effect only on images; leave it out, or give images")
    if not isinstance(features, Mapping):
        raise InputError('rank: give features by checkpoint, as in rank({"byol": Z1, "swav": Z2}, labels)')
    from pedrank.interactive.rank_features import rank_features

    features = {str(name): values for name, values in features.items()}
    return Ranking(rank_features(features, labels, dataset or "features", _listed(metric) or (), refine, task))


def _listed(value: str | Sequence[str] | None) -> list[str] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str) else list(value)
