"""Tables of scores, of accuracies, and of facts about checkpoints, from anyone, for `pedrank evaluate`.

Scores and accuracies may be long (one value per line) or wide (one column per metric, or per dataset). A cell that is
empty, or says NaN, NA, none, null or a dash, has no value. Lines that repeat a value are counted once; lines that
contradict each other are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pedrank.evaluation.names import BASE
from pedrank.formats.csv_file import Row, column_names, decimal_point, is_column, read_csv_rows
from pedrank.store.integrity import check_beside
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, Sequence[str]]

# Other spellings of the columns, in lower case without blanks, hyphens and underscores.
_DATASET: Columns = {"dataset": ("data", "datasetname", "target", "targetdataset", "task")}
_CHECKPOINT: Columns = {"checkpoint": ("checkpointname", "model", "modelname", "network")}
_METRIC: Columns = {"metric": ("metricname", "method", "scorer")}
_SCORE: Columns = {"score": ("value",)}
_ACCURACY: Columns = {"accuracy": ("acc", "finetunedaccuracy", "testaccuracy", "top1", "top1accuracy")}
_SPREAD: Columns = {"sd": ("std", "accuracysd", "accuracystd"), "seeds": ("runs",)}
_FACTS: Columns = {
    "family": ("architecture", "familyname"),
    "parameters": ("nparams", "numparams", "parametersmillions", "params", "paramsm", "paramsmillions"),
}

_MISSING = {"", "-", "--", "\N{EN DASH}", "\N{EM DASH}", "n/a", "na", "nan", "none", "null"}
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}


def read_scores(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a table of scores.

    Args:
        path: CSV with the columns dataset, checkpoint, metric, score and, optionally, refinement and rank_score; or
            with dataset, checkpoint and one column per metric.

    Returns:
        Long table: dataset, checkpoint, metric, refinement, score, rank_score (both NaN where there is no value), and
        sentences on columns and lines that are left out.

    Raises:
        InputError: The file is not such a table, a score is not a number, or two lines contradict each other.
    """
    import pandas as pd

    check_beside(path)
    keys = _DATASET | _CHECKPOINT
    head = column_names(path, keys)
    optional: Columns = {"refinement": ()}
    notes: list[str] = []
    if _has(head, _METRIC):
        column_names(path, keys | _METRIC | _SCORE)
        rows = _rows(path, keys | _METRIC, optional | _SCORE | {"rank_score": ()})
        values = [
            (row, row.cells["metric"], _value(path, row, "score"), _value(path, row, "rank_score")) for row in rows
        ]
    else:
        reserved = keys | dict.fromkeys(optional, ()) | _ACCURACY | _SPREAD
        metrics = [name for name in head if name and not _is_any(name, reserved)]
        rows, metrics, notes = _wide(path, keys, metrics, optional)
        accuracies = [name for name in head if _is_any(name, _ACCURACY)]
        notes += [f"{path}: the column '{name}' holds accuracies and is not taken as a metric." for name in accuracies]
        if accuracies and not metrics:
            raise InputError(
                f"{path}: accuracies and no scores; give the table of scores first and the table of accuracies second"
            )
        if not metrics:
            raise InputError(f"{path}: no column of scores; add the columns metric and score, or one column per metric")
        values = [(row, name, _value(path, row, name), math.nan) for name in metrics for row in rows]
    table = pd.DataFrame(
        [
            (row.line, row.cells["dataset"], row.cells["checkpoint"], metric, row.cells.get("refinement") or BASE)
            + (score, score if math.isnan(rank_score) else rank_score)
            for row, metric, score, rank_score in values
        ],
        columns=["line", "dataset", "checkpoint", "metric", "refinement", "score", "rank_score"],
    )
    return _once(path, table, ["dataset", "checkpoint", "metric", "refinement"], "rank_score", notes)


def read_accuracies(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a table of accuracies after fine-tuning, in percent.

    Args:
        path: CSV with the columns dataset, checkpoint, accuracy and, optionally, sd and seeds; or with checkpoint and
            one column per dataset.

    Returns:
        Long table: dataset, checkpoint, accuracy, sd, seeds (NaN where there is no value), and sentences on columns
        and lines that are left out.

    Raises:
        InputError: The file is not such a table, an accuracy is not a percentage, or two lines contradict each other.
    """
    import pandas as pd

    check_beside(path)
    head = column_names(path, _CHECKPOINT)
    numbers = ("accuracy", "sd", "seeds")
    notes: list[str] = []
    if _has(head, _METRIC) and not _has(head, _ACCURACY):
        raise InputError(
            f"{path}: a column of metrics and none of accuracies, so these are scores; give the table of scores first "
            "and the table of accuracies second"
        )
    if _has(head, _DATASET) or _has(head, _ACCURACY):
        keys = _DATASET | _CHECKPOINT
        column_names(path, keys | _ACCURACY)
        rows = _rows(path, keys, _ACCURACY | _SPREAD)
        values = [
            (row.line, row.cells["dataset"], row.cells["checkpoint"], *(_value(path, row, name) for name in numbers))
            for row in rows
        ]
    else:
        names = [name for name in head if name and not _is_any(name, _CHECKPOINT)]
        rows, datasets, notes = _wide(path, _CHECKPOINT, names, {})
        if not datasets:
            raise InputError(
                f"{path}: no column of accuracies; add the columns dataset and accuracy, or one column per dataset"
            )
        values = [
            (row.line, name, row.cells["checkpoint"], _value(path, row, name), math.nan, math.nan)
            for name in datasets
            for row in rows
        ]
    table = pd.DataFrame(values, columns=["line", "dataset", "checkpoint", *numbers])
    _check_percent(path, table)
    return _once(path, table, ["dataset", "checkpoint"], "accuracy", notes)


def read_about(path: Path) -> pd.DataFrame:
    """Read a table of facts about checkpoints.

    Args:
        path: CSV with the column checkpoint and at least one of family (text) and parameters (a number, which may end
            with K, M or B).

    Returns:
        One row per checkpoint: checkpoint, family (None where empty), parameters (NaN where empty).

    Raises:
        InputError: The file is not such a table, a number of parameters is not a number, or a checkpoint stands there
            twice with different values.
    """
    import pandas as pd

    if not any(_has(column_names(path, _CHECKPOINT), {name: _FACTS[name]}) for name in _FACTS):
        raise InputError(f"{path}: neither a column 'family' nor a column 'parameters'; add one of them")
    rows = _rows(path, _CHECKPOINT, _FACTS)
    table = pd.DataFrame(
        [(row.line, row.cells["checkpoint"], row.cells.get("family") or None, _parameters(path, row)) for row in rows],
        columns=["line", "checkpoint", "family", "parameters"],
    )
    table = table.drop_duplicates(["checkpoint", "family", "parameters"])
    double = table[table.duplicated("checkpoint")]
    if len(double):
        raise InputError(
            f"{path}: line {double['line'].iloc[0]} lists '{double['checkpoint'].iloc[0]}' again, with "
            "other values; list each checkpoint once"
        )
    return table.drop(columns="line")


def _rows(path: Path, columns: Columns, optional: Columns) -> list[Row]:
    rows = read_csv_rows(path, columns, optional)
    if not rows:
        raise InputError(f"{path}: no line below the first one; add some")
    return rows


def _is_any(name: str, columns: Columns) -> bool:
    return any(is_column(name, column, spellings) for column, spellings in columns.items())


def _has(head: Sequence[str], columns: Columns) -> bool:
    return any(_is_any(name, columns) for name in head)


def _wide(path: Path, keys: Columns, names: Sequence[str], optional: Columns) -> tuple[list[Row], list[str], list[str]]:
    """The lines, the names of the columns that hold numbers, and a sentence on those that hold none."""
    rows = _rows(path, keys, optional | dict.fromkeys(names, ()))
    numeric = [name for name in names if any(re.match(r"[+-]?[.,]?\d", row.cells[name]) for row in rows)]
    without = [f"'{name}'" for name in names if name not in numeric]
    what = "columns without numbers are" if len(without) > 1 else "a column without numbers is"
    return rows, numeric, [f"{path}: {what} left out: {', '.join(without)}."] if without else []


def _value(path: Path, row: Row, column: str) -> float:
    """A cell as a number; NaN where it is missing."""
    text = row.cells.get(column, "")
    if text.casefold() in _MISSING:
        return math.nan
    try:
        return float(decimal_point(text).replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        raise InputError(
            f"{path}: line {row.line}: '{text}' in the column '{column}' is not a number; write a single number, or "
            "leave the cell empty"
        ) from None


def _parameters(path: Path, row: Row) -> float:
    text = row.cells.get("parameters", "")
    unit = text[-1:].casefold() if text[-1:].casefold() in _UNITS and not text.casefold().endswith("nan") else ""
    number = Row(row.line, {"parameters": text[: len(text) - len(unit)].strip()})
    found = _value(path, number, "parameters") * _UNITS[unit]
    if found <= 0 or math.isinf(found):
        raise InputError(f"{path}: line {row.line}: '{text}' is no number of parameters; correct it")
    return found


def _check_percent(path: Path, table: pd.DataFrame) -> None:
    wrong = table[(table["accuracy"] < 0) | (table["accuracy"] > 100)]
    if len(wrong):
        raise InputError(
            f"{path}: line {wrong['line'].iloc[0]}: accuracy {wrong['accuracy'].iloc[0]:g} on "
            f"{wrong['dataset'].iloc[0]} is not a percentage from 0 to 100; correct it"
        )
    for dataset, accuracies in table.groupby("dataset", sort=False)["accuracy"]:
        if accuracies.max() <= 1:
            raise InputError(f"{path}: no accuracy on {dataset} is above 1; give percent, not fractions")


def _once(
    path: Path, table: pd.DataFrame, keys: list[str], value: str, notes: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Each value once: a value before a missing one, and one of equal values."""
    import pandas as pd

    known, missing = table[table[value].notna()], table[table[value].isna()]
    for _, group in known[known.duplicated(keys, keep=False)].groupby(keys, sort=False):
        one = group.iloc[0]
        others = group[group[value] != one[value]]
        if len(others):
            other = others.iloc[0]
            where = ", ".join(str(one[key]) for key in keys if not (key == "refinement" and one[key] == BASE))
            of_seeds = (
                "; for several seeds, give their mean, and the columns sd and seeds" if value == "accuracy" else ""
            )
            raise InputError(
                f"{path}: lines {one['line']} and {other['line']} contradict each other: {one[value]:g} and "
                f"{other[value]:g} for {where}; keep one{of_seeds}"
            )
    first = known.drop_duplicates(keys)
    number = len(known) - len(first)
    if number:
        verb = "value repeats an earlier one" if number == 1 else "values repeat earlier ones"
        notes = [*notes, f"{path}: {number} {verb}; equal values count once."]
    everything = pd.concat([first, missing]).drop_duplicates(keys).sort_values("line", kind="stable")
    return everything.drop(columns="line").reset_index(drop=True), notes
