"""The tidy table of all scores: rows, sums of seconds, accuracies, and tables that do not fit."""

import numpy as np
import pandas as pd
import pytest

from pedrank.evaluation.per_checkpoint import COLUMNS, per_checkpoint
from pedrank.utils.errors import InputError

CELLS = [
    (dataset, checkpoint, metric, refinement)
    for dataset in ("pets", "dtd")
    for metric, refinement in (("logme", "none"), ("logme", "ped-0.3"), ("knn", "none"))
    for checkpoint in ("moco", "byol")
]


def _tables():
    keys = pd.DataFrame(CELLS, columns=["dataset", "checkpoint", "metric", "refinement"])
    count = np.arange(len(keys))
    scores = keys.assign(score=count / 10, rank_score=count * 10.0)
    moved = keys["refinement"] != "none"
    seconds = keys.assign(
        seconds=1.0 + count, refinement_seconds=np.where(moved, 0.5, np.nan), threads=2, n=90, d=64, c=7
    )
    truth = pd.DataFrame(
        [(dataset, name, 80.0 + len(dataset) + len(name)) for dataset in ("dtd", "pets") for name in ("byol", "moco")],
        columns=["dataset", "checkpoint", "accuracy"],
    ).assign(sd=0.1)
    return scores, seconds, truth


def test_a_row_for_each_score_in_their_order():
    scores, seconds, truth = _tables()
    found = per_checkpoint(scores, seconds.sample(frac=1, random_state=0), truth)
    assert list(found.columns) == COLUMNS
    assert list(found.iloc[:, :4].itertuples(index=False, name=None)) == CELLS
    row = found.iloc[2]  # pets, moco, logme, ped-0.3
    assert (row["score"], row["rank_score"], row["seconds"], row["accuracy"]) == (0.2, 20.0, 3.5, 88.0)
    assert found.iloc[0]["seconds"] == 1.0  # raw features need no refinement
    assert (found[["n", "d", "c"]] == [90, 64, 7]).all(axis=None)
    assert found["n"].dtype.kind == "i"


def test_a_study_without_refinements():
    scores, seconds, truth = _tables()
    raw = scores["refinement"] == "none"
    found = per_checkpoint(scores[raw], seconds[raw].drop(columns="refinement_seconds"), truth)
    assert len(found) == 8 and found["seconds"].notna().all()


def test_an_undefined_score_stays_empty():
    scores, seconds, truth = _tables()
    scores.loc[3, ["score", "rank_score"]] = np.nan
    assert per_checkpoint(scores, seconds, truth)["score"].isna().sum() == 1


def test_tables_that_do_not_fit():
    scores, seconds, truth = _tables()
    with pytest.raises(InputError, match="pets moco logme none: has no seconds"):
        per_checkpoint(scores, seconds.iloc[1:], truth)
    with pytest.raises(InputError, match="dtd byol logme none: has no accuracy"):
        per_checkpoint(scores, seconds, truth.iloc[1:])
    with pytest.raises(InputError, match="dtd byol: accuracy is there twice"):
        per_checkpoint(scores, seconds, pd.concat([truth, truth]))
