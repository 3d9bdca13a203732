"""Rankings by real numbers or by several labels per sample: computed in this process, without the workflow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.cli.rank_study import refuse_for_features
from pedrank.ranking.from_targets import METRIC_OPTIONS, METRICS, rank_targets
from pedrank.regression.target_score import check_allowed
from pedrank.regression.targets import LABELS
from pedrank.regression.task import CLASSES, measured, task_of
from pedrank.report.sentences.target_sentences import target_notes, target_sentences
from pedrank.store.artefacts import provenance
from pedrank.user_data.feature_files import files, read_arrays_of
from pedrank.user_data.folder_kind import holds_features
from pedrank.user_data.slug import slug
from pedrank.utils.errors import InputError, about
from pedrank.utils.parallel import one_blas_thread

_WITHOUT_EFFECT = ("reference", "plugin", "profile")


def answer_for_folder(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Rank the checkpoints of a folder of features, if its labels are no classes.

    Args:
        arguments: As `pedrank.cli.rank` reads them: images, task, metric, refine, dry_run.

    Returns:
        The answer, or None where the workflow ranks: images, and features with classes. With --dry-run, only the names
        of the checkpoints, after the checks of the labels.

    Raises:
        InputError: As `answer_for_targets`; an option has no effect; the labels of two files differ.
    """
    folder = Path(arguments.images)
    found = files(folder) if folder.is_dir() and holds_features(folder) else {}
    if len(found) < 2:  # images, or too few features, which the workflow refuses
        if arguments.task not in (None, CLASSES):
            raise InputError(
                f"--task {arguments.task}: {folder} is no folder of features; extract the features of the images "
                "(pedrank.extract), save one file per checkpoint, and give their folder"
            )
        return None
    first = next(iter(found.values()))
    try:
        labels = np.asarray(read_arrays_of(first, ["labels"])["labels"])
    except InputError:  # the workflow names what is wrong with the file
        return None
    with about(first):
        task = task_of(labels, arguments.task)
        if task == CLASSES and labels.dtype.kind == "f":
            raise InputError(f"labels of type {labels.dtype} are no classes here; save them as integers")
    if task == CLASSES:
        for note in () if arguments.task else measured(labels):
            print(f"note: {note}", file=sys.stderr)
        return None
    refuse_for_features(arguments)
    for option in _WITHOUT_EFFECT:
        if getattr(arguments, option):
            raise InputError(f"--{option}: has no effect on features whose labels are no classes; leave it out")
    if arguments.dry_run:
        return {"checkpoints": list(found)}
    pairs = _features_of(found, labels)
    stated = arguments.task is not None
    return answer_for_targets(
        pairs, labels, task, slug(folder.absolute().name), arguments.metric, arguments.refine, stated
    )


def _features_of(found: Mapping[str, Path], labels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The features of each file, one after the other."""
    for name, path in found.items():
        arrays = read_arrays_of(path)
        if not np.array_equal(arrays["labels"], labels):
            raise InputError(
                f"{path}: its labels differ from those of {next(iter(found.values())).name}; all files need the same "
                "samples in the same order"
            )
        yield name, arrays["features"]


def answer_for_targets(
    features: Iterable[tuple[str, np.ndarray]],
    targets: np.ndarray,
    task: str,
    dataset: str,
    metrics: Sequence[str] = (),
    refine: float | None = None,
    stated: bool = True,
) -> dict[str, Any]:
    """Rank checkpoints by targets that are no classes, with the sentences and notes of the answer.

    Args:
        features: Pairs of a checkpoint and its features (N, D).
        targets: (N,) or (N, K), as for `rank_targets`.
        task: "regression" or "labels".
        dataset: Name of the data.
        metrics: Of logme, knn and linear_probe: the first one ranks; all three if left out.
        refine: Refused, since PED moves classes.
        stated: Whether the user has stated the task; if not, a note says how the targets were read.

    Returns:
        The facts of `rank_targets`, and made_by, notes and sentences.

    Raises:
        InputError: As `rank_targets`; a metric needs classes; `refine` is given.
    """
    names = list(dict.fromkeys(metrics)) or list(METRICS)
    for name in names:
        check_allowed(name, task)
    if refine is not None:
        have = "several classes" if task == LABELS else "none"
        raise InputError(
            f"rank: leave out refine, since PED moves the one class of each sample, and samples have {have}"
        )
    with one_blas_thread():
        found = rank_targets(features, targets, task, dataset, names)
    options = {name: METRIC_OPTIONS[name] for name in names if name in METRIC_OPTIONS}
    found["made_by"] = provenance({"task": task, "metrics": names, "metric_options": options})
    found["notes"] = [*_reading(targets, task, stated), *target_notes(found)]
    found["sentences"] = target_sentences(found)
    return found


def _reading(targets: np.ndarray, task: str, stated: bool) -> list[str]:
    """How the targets were read, where the user has not stated it."""
    if stated:
        return []
    if task == LABELS:
        one = " Every sample has one label, so give class numbers instead, which more metrics take."
        alone = bool((np.asarray(targets, float).sum(axis=1) == 1).all())
        return [f"Targets of 0 and 1 in {targets.shape[1]} columns are read as several labels per sample.{one * alone}"]
    why = "have fractions" if targets.ndim == 1 or targets.shape[1] == 1 else "are a table of numbers"
    return [f"The targets are read as real numbers to predict (regression), since they {why}."]
