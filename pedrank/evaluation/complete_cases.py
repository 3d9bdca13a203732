"""Scores and accuracies from different sources, reduced to the cases that both have, with a note on each omission."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from pedrank.evaluation.names import BASE, CONSENSUS, MEAN, ORACLE, RANDOM, STATIC_RANKER
from pedrank.utils.errors import InputError

FEWEST = 2  # checkpoints
_SHOWN = 8  # names in a note
_RESERVED = {"dataset": (MEAN,), "metric": (STATIC_RANKER, RANDOM), "refinement": (CONSENSUS, ORACLE)}
_PAIR = ["dataset", "checkpoint"]


def complete_cases(
    scores: pd.DataFrame, ground_truth: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Reduce both tables to what every method can be compared on: the same checkpoints on the same datasets.

    In this order, left out are

    1. scores and accuracies that are not finite, as if their rows were missing;
    2. datasets that only one of the tables has;
    3. checkpoints that only one of the tables has;
    4. methods (a metric with a refinement) without any score on one of the remaining datasets;
    5. checkpoints without an accuracy, or without a score of a remaining method, on one of the remaining datasets.

    Args:
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score (NaN allowed); further columns stay.
        ground_truth: Long table: dataset, checkpoint, accuracy (percent, NaN allowed); further columns stay.

    Returns:
        The reduced tables, in the order of the given ones, and one sentence for each omission, for each method whose
        scores all tie, and for methods with the same scores.

    Raises:
        InputError: A name is reserved for a row that is added, a score or an accuracy is given twice, or fewer than
            two checkpoints are left.

    >>> checkpoints = ["byol", "moco", "swav", "dino"]
    >>> scores = pd.DataFrame({"dataset": "pets", "checkpoint": checkpoints, "rank_score": [3.0, 2.0, 1.0, np.nan]})
    >>> truth = pd.DataFrame({"dataset": "pets", "checkpoint": checkpoints, "accuracy": [90.0, 80.0, 85.0, 70.0]})
    >>> _, truth, notes = complete_cases(scores.assign(metric="logme", refinement="none"), truth)
    >>> list(truth["checkpoint"]), len(notes)
    (['byol', 'moco', 'swav'], 2)
    """
    _check_names(scores, ground_truth)
    notes = []
    given_scores, given_truth = scores, ground_truth
    scores = scores[np.isfinite(scores["rank_score"].astype(float))]
    ground_truth = ground_truth[np.isfinite(ground_truth["accuracy"].astype(float))]
    for number, kind in (
        (len(given_scores) - len(scores), "score"),
        (len(given_truth) - len(ground_truth), "accuracy value"),
    ):
        if number:
            verb = f"{kind} is" if number == 1 else f"{kind}s are"
            notes.append(f"{number} {verb} empty, NaN or infinite; such a value counts as missing.")
    for column in _PAIR:
        scores, ground_truth, said = _in_both(scores, ground_truth, column)
        notes += said
    datasets = list(dict.fromkeys(ground_truth["dataset"]))
    scores, said = _with_all_datasets(scores, datasets)
    notes += said
    scores, ground_truth, said = _with_all_values(scores, ground_truth, datasets)
    notes += said
    return scores, ground_truth, (*notes, *_ties(scores), *_copies(scores))


def _check_names(scores: pd.DataFrame, ground_truth: pd.DataFrame) -> None:
    for column, reserved in _RESERVED.items():
        used = sorted(set(scores[column]) & set(reserved))
        if used:
            raise InputError(
                f"scores: the {column} '{used[0]}' has the name of a row that the evaluation adds; rename it, or leave "
                "it out"
            )
    keys = [*_PAIR, "metric", "refinement"]
    for name, table, columns in (("scores", scores, keys), ("accuracies", ground_truth, _PAIR)):
        double = table[table.duplicated(columns)]
        if len(double):
            where = ", ".join(str(double[column].iloc[0]) for column in columns)
            raise InputError(f"{name}: two rows for {where}; keep one")


def _in_both(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, column: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    of_scores, of_truth = (list(dict.fromkeys(table[column])) for table in (scores, ground_truth))
    both = set(of_scores) & set(of_truth)
    if not both:
        raise InputError(
            f"no {column} has both scores and accuracies: scores exist for {_names(of_scores)}, accuracies for "
            f"{_names(of_truth)}; write the names in the same way in both tables"
        )
    notes = []
    for have, others, lacking in ((of_scores, of_truth, "accuracies"), (of_truth, of_scores, "scores")):
        only = [name for name in have if name not in both]
        if only:
            found = {name: _alike(name, set(others) - both) for name in only}
            alike = next(((name, other) for name, other in found.items() if other), None)
            hint = f" (is '{alike[0]}' the same as '{alike[1]}'? Names are compared letter by letter)" if alike else ""
            notes.append(f"Left out, without {lacking}: {column}{'s' * (len(only) > 1)} {_names(only)}{hint}.")
    return scores[scores[column].isin(both)], ground_truth[ground_truth[column].isin(both)], notes


def _alike(name: str, others: Collection[str]) -> str | None:
    """Another spelling of a name: equal but for case and signs."""

    def letters(text: str) -> str:
        return "".join(filter(str.isalnum, text.casefold()))

    return next((other for other in sorted(others) if letters(other) == letters(name)), None)


def _with_all_datasets(scores: pd.DataFrame, datasets: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    methods = scores.groupby(["metric", "refinement"], sort=False)["dataset"]
    lacking = {
        method: [name for name in datasets if name not in set(found)]
        for method, found in methods
        if set(found) < set(datasets)
    }
    notes = [
        f"Left out: {_method(*method)}, which has no score on {_names(missing)}. To evaluate it, leave the dataset"
        f"{'s' * (len(missing) > 1)} out of both tables."
        for method, missing in lacking.items()
    ]
    if len(lacking) == methods.ngroups:
        raise InputError(f"no metric has scores on all {len(datasets)} datasets; {notes[0]}")
    kept = [pair not in lacking for pair in zip(scores["metric"], scores["refinement"], strict=True)]
    return scores[kept], notes


def _with_all_values(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, datasets: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    checkpoints = list(dict.fromkeys(ground_truth["checkpoint"]))
    reasons: dict[str, str] = {}
    tables = [("accuracy", ground_truth)]
    tables += [
        (f"score by {_method(*method)}", rows) for method, rows in scores.groupby(["metric", "refinement"], sort=False)
    ]
    for what, rows in tables:
        here = set(zip(rows["dataset"], rows["checkpoint"], strict=True))
        for name in checkpoints:
            missing = [dataset for dataset in datasets if (dataset, name) not in here]
            if missing:
                reasons.setdefault(name, f"'{name}' (no {what} on {_names(missing)})")
    left = [name for name in checkpoints if name not in reasons]
    text = f"checkpoints without a value: {', '.join(list(reasons.values())[:_SHOWN])}" + (
        f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    )
    if len(left) < FEWEST:
        why = f"; {text}" if reasons else ""
        raise InputError(
            f"{len(left)} checkpoint{'s' * (len(left) != 1)} with all scores and accuracies, but a ranking needs at "
            f"least {FEWEST}{why}; fill in the values, or leave out the metric or dataset that lacks them"
        )
    notes = (
        [f"Left out on all datasets, so that every number compares the same checkpoints: {text}."] if reasons else []
    )
    return scores[scores["checkpoint"].isin(left)], ground_truth[ground_truth["checkpoint"].isin(left)], notes


def _ties(scores: pd.DataFrame) -> list[str]:
    constant: dict[str, list[str]] = {}
    for (metric, refinement, dataset), rows in scores.groupby(["metric", "refinement", "dataset"], sort=False):
        if rows["rank_score"].nunique() == 1:
            constant.setdefault(_method(metric, refinement), []).append(dataset)
    return [
        f"{method}: all scores are equal on {_names(where)}, so its tau_w is undefined there and in the mean."
        for method, where in constant.items()
    ]


def _copies(scores: pd.DataFrame) -> list[str]:
    """Methods with the same scores, other than one score for all: a column may have been copied."""
    notes = []
    for dataset, rows in scores.groupby("dataset", sort=False):
        alike: dict[tuple[float, ...], list[str]] = {}
        for (metric, refinement), of_method in rows.groupby(["metric", "refinement"], sort=False):
            values = tuple(of_method.sort_values("checkpoint")["rank_score"])
            alike.setdefault(values, []).append(_method(metric, refinement))
        notes += [
            f"{' and '.join(methods)} have the same scores on '{dataset}'; check that none is a copy."
            for values, methods in alike.items()
            if len(methods) > 1 and len(set(values)) > 1
        ]
    return notes


def _method(metric: str, refinement: str) -> str:
    return f"'{metric}'" if refinement == BASE else f"'{metric}' ({refinement})"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more
