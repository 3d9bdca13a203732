"""The ranking of checkpoints by features in memory: what `pedrank rank` computes in jobs, in one process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from pedrank.cli.rank_study import METRIC_OPTIONS, METRICS
from pedrank.cli.rank_targets import answer_for_targets
from pedrank.interactive.progress import progress
from pedrank.metrics import get_metric
from pedrank.metrics._scoring import timed_scores
from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.ranking.from_scores import rank_scores
from pedrank.ranking.halves import score_halves
from pedrank.ranking.ranking import COMBINATION, METRIC
from pedrank.ranking.twins import fingerprint
from pedrank.refinements import move
from pedrank.regression.task import CLASSES, as_classes, measured, task_of
from pedrank.report.sentences.ranking_notes import ranking_notes
from pedrank.report.sentences.ranking_sentences import ranking_sentences
from pedrank.store.artefacts import provenance, read_csv
from pedrank.user_data.feature_files import usable
from pedrank.utils.arrays import as_numpy
from pedrank.utils.errors import InputError, about
from pedrank.utils.parallel import one_blas_thread
from pedrank.utils.paths import PUBLISHED

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike


def rank_features(
    features: Mapping[str, ArrayLike],
    labels: ArrayLike,
    dataset: str,
    metrics: Sequence[str] = (),
    refine: float | None = None,
    task: str | None = None,
) -> dict[str, Any]:
    """Rank checkpoints by their features on the same samples.

    Args:
        features: (N, D) by checkpoint; D may differ.
        labels: (N,) integers or texts; for a regression (N,) or (N, K) real numbers; for several labels per sample
            (N, K) of 0 and 1.
        dataset: Name of the dataset.
        metrics: Rank by the first one alone; none for the combination of prior and features.
        refine: Rank by one metric after PED with this radius coefficient.
        task: "classes", "regression" or "labels"; None where the labels decide.

    Returns:
        What `pedrank rank --images FOLDER --json` prints of a folder with the same features, without the report.

    Raises:
        InputError: Features or labels are unusable, or nothing tells the checkpoints apart.
    """
    if len(features) < 2:
        raise InputError(f"rank: a ranking needs the features of at least two checkpoints, not of {len(features)}")
    if refine is not None and not (isinstance(refine, Real) and 0 < refine < math.inf):
        raise InputError(f"rank: refine must be a number above 0, not {refine!r}")
    given = as_numpy(labels)
    of_labels = task_of(given, task)
    if of_labels != CLASSES:
        pairs = ((name, as_numpy(values)) for name, values in progress(features.items(), "checkpoints scored"))
        return answer_for_targets(pairs, given, of_labels, dataset, metrics, refine, stated=task is not None)
    notes = [] if task else measured(given)
    given = as_classes(given)
    by = METRIC if metrics or refine else COMBINATION
    names = list(dict.fromkeys(metrics)) or list(METRICS)
    for name in names:
        get_metric(name)  # an unknown name is refused before anything is computed
    refinement = "none" if refine is None else f"ped-{refine:g}"
    with one_blas_thread():  # more of them wait for each other where other programs compute: 20 times slower then
        scored = [
            _scored(name, as_numpy(values), given, names, refinement, refine)
            for name, values in progress(features.items(), "checkpoints scored")
        ]
    scores, seconds, halves = (_table(rows) for rows in zip(*(each[:3] for each in scored), strict=True))
    entries = {name: {"zoo": "features"} for name in features}
    published = read_csv(PUBLISHED / "table1.csv")
    found = rank_scores(
        scores, seconds, halves, entries, dataset, scored[0][3], published, names[0], refinement, by
    ).found
    found["made_by"] = provenance({"by": by, "metric": names[0], "refinement": refinement})
    found["notes"] = [*notes, *ranking_notes(found)]
    found["sentences"] = ranking_sentences(found)
    return found


def _scored(
    checkpoint: str,
    given: np.ndarray,
    given_labels: np.ndarray,
    metrics: Sequence[str],
    refinement: str,
    refine: float | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], np.ndarray]:
    """Rows of scores, of seconds and of scores on halves of one checkpoint, and the labels 0..C-1."""
    with about(checkpoint):
        features, labels, _ = usable(given, given_labels)
        reference, moved = None, dict[str, Refinement | None]()
        if refine is not None:
            statistics = ClassStatistics.from_features(features, labels)
            reference = ReferenceStatistics.from_classes(statistics)
            moved[refinement] = move(statistics, reference, lam=refine)
    scores, seconds = [], []
    # The first metric ranks, so it also scores the refined features.
    for number, metric in enumerate(metrics):
        refinements = {"none": None} | (moved if number == 0 else {})
        files = dict.fromkeys(refinements, checkpoint)  # messages name the checkpoint
        for each in timed_scores(features, labels, [metric], METRIC_OPTIONS, refinements, files, drop_undefined=True):
            row = {"checkpoint": checkpoint, "metric": each.metric, "refinement": each.refinement}
            scores.append(row | each.score._asdict() | ({"undefined": each.undefined} if each.undefined else {}))
            seconds.append(row | {"seconds": each.seconds} | each.size)
    ped = None if refine is None else {"lam": refine}
    with about(checkpoint):
        on_halves = score_halves(metrics[0], features, labels, METRIC_OPTIONS.get(metrics[0], {}), ped, reference)
    of_all = {"checkpoint": checkpoint, "images": len(labels), "features": fingerprint(features)}
    halves = [of_all | {"half": half, "rank_score": value} for half, value in enumerate(on_halves)]
    return scores, seconds, halves, labels


def _table(rows: Sequence[Sequence[dict[str, Any]]]) -> pd.DataFrame:
    """A long table, the scores of the first metric of all checkpoints first, as in the files of a study."""
    import pandas as pd

    table = pd.DataFrame([row for each in rows for row in each])
    if "metric" not in table:
        return table
    first = table["metric"] == table["metric"].iloc[0]
    return pd.concat([table[first], table[~first]], ignore_index=True)
