"""Ground truth: how accurate each checkpoint is on one dataset, from one of three sources.

Every source gives the same table with one row per checkpoint: checkpoint, accuracy (percent), sd (over seeds), seeds
(their number), lr and weight_decay (the chosen grid point), diverged (seeds that diverged). Columns that a source does
not have are empty.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pedrank.formats.csv_file import decimal_point, read_csv_rows
from pedrank.store.artefacts import read_csv
from pedrank.store.integrity import check_beside
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["checkpoint", "accuracy", "sd", "seeds", "lr", "weight_decay", "diverged"]
_NEEDED = ("dataset", "checkpoint", "accuracy")
_COUNTS = ("seeds", "diverged")


def from_runs(runs: pd.DataFrame, checkpoints: Sequence[str]) -> pd.DataFrame:
    """Mean and sample standard deviation (n - 1; empty for one seed) of the test runs of each checkpoint.

    A diverged test run counts at chance level. The column `diverged` has the number of diverged runs.

    Args:
        runs: `pedrank.finetune.runs_table.runs_table` of one dataset.
        checkpoints: The checkpoints to return, in this order.

    Returns:
        A table with `COLUMNS`.

    Raises:
        InputError: A checkpoint has no test run.
    """
    import pandas as pd

    rows = []
    for checkpoint in checkpoints:
        tested = runs[(runs["checkpoint"] == checkpoint) & (runs["stage"] == "test")]
        if tested.empty:
            raise InputError(f"{checkpoint}: its fine-tuning runs include no test run; fine-tune it again")
        accuracies, first = tested["accuracy"], tested.iloc[0]
        chosen = (first["learning_rate"], first["weight_decay"])
        rows.append(
            (checkpoint, accuracies.mean(), accuracies.std(ddof=1), len(tested), *chosen, int(tested["diverged"].sum()))
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def published(path: str | os.PathLike, dataset: str, regime: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """Accuracies printed in the literature (`pedrank/published/README.md`).

    Args:
        path: The table accuracy.csv.
        dataset: Name of the dataset.
        regime: full, last_block or linear.
        checkpoints: The checkpoints to return, in this order.

    Returns:
        A table with `COLUMNS`.

    Raises:
        InputError: Unknown regime, or no accuracy of a checkpoint on the dataset.
    """
    table = read_csv(path, ["regime", "dataset", "checkpoint", "accuracy"])
    table = table[table["regime"] == regime]
    if table.empty:
        raise InputError(f"unknown regime '{regime}' of the published accuracies; choose full, last_block or linear")
    return _select(table, f"the published accuracies ({regime})", dataset, checkpoints)


def from_file(path: str | os.PathLike, dataset: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """Accuracies of a user's CSV: columns dataset, checkpoint, accuracy (percent) and, optionally, others of `COLUMNS`.

    Args:
        path: The CSV.
        dataset: Name of the dataset.
        checkpoints: The checkpoints to return, in this order.

    Returns:
        A table with `COLUMNS`.

    Raises:
        InputError: A column or a checkpoint is missing, a checkpoint stands there twice, an accuracy is not a
            percentage, another column holds text, or the file is sealed by pedrank and not as sealed.
    """
    import numpy as np
    import pandas as pd

    check_beside(path)
    rows = read_csv_rows(Path(path), dict.fromkeys(_NEEDED, ()), dict.fromkeys(COLUMNS[2:], ()))
    lines = [row.line for row in rows]
    table = pd.DataFrame([row.cells for row in rows], columns=list(rows[0].cells) if rows else _NEEDED)
    for column in table.columns.difference(["dataset", "checkpoint"]):
        given = table[column]
        numbers = pd.to_numeric(given if column in _COUNTS else given.map(decimal_point), errors="coerce")
        wrong = ~numbers.between(0, 100) if column == "accuracy" else (given != "") & ~np.isfinite(numbers)
        if wrong.any():
            at = int(wrong.to_numpy().argmax())
            kind = "a percentage from 0 to 100" if column == "accuracy" else "a number"
            raise InputError(f"{path}: line {lines[at]}: {column} '{given.iloc[at]}' is not {kind}; correct it")
        table[column] = numbers
    if len(table) and table["accuracy"].max() <= 1:
        raise InputError(f"{path}: no accuracy is above 1; give percent, not fractions")
    return _select(table, str(path), dataset, checkpoints)


def _select(table: pd.DataFrame, source: str, dataset: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """The rows of `dataset`, in the order of `checkpoints`."""
    rows = table[table["dataset"] == dataset]
    if rows.empty:
        known = ", ".join(sorted(set(table["dataset"]))) or "none"
        raise InputError(f"{source}: no rows for dataset '{dataset}' (rows exist for: {known}); add them")
    double = rows["checkpoint"][rows["checkpoint"].duplicated()]
    if len(double):
        raise InputError(f"{source}: two rows for '{double.iloc[0]}' on {dataset}; delete one of them")
    missing = [name for name in checkpoints if name not in set(rows["checkpoint"])]
    if missing:
        raise InputError(
            f"{source}: no row for '{missing[0]}' on {dataset}; add one, or remove the checkpoint from the study"
        )
    return rows.set_index("checkpoint").loc[list(checkpoints)].reset_index().reindex(columns=COLUMNS)
