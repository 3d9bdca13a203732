"""The answer of a ranking by real numbers or by several labels per sample, computed in this process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pedrank.ranking.from_targets import METRIC_OPTIONS, METRICS, rank_targets
from pedrank.regression.target_score import check_allowed
from pedrank.regression.targets import LABELS
from pedrank.report.sentences.target_sentences import target_notes, target_sentences
from pedrank.store.artefacts import provenance
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import one_blas_thread


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
