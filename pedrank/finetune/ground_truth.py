"""Ground truth: how accurate each checkpoint is on one dataset, from one of three sources.

Every source gives the same table with one row per checkpoint: checkpoint, accuracy (percent), sd (over seeds), seeds
(their number), lr and weight_decay (the chosen grid point), diverged (seeds that diverged). Columns that a source does
not have are empty.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["checkpoint", "accuracy", "sd", "seeds", "lr", "weight_decay", "diverged"]


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
            percentage, or another column holds text.
    """
    import numpy as np
    import pandas as pd

    table = read_csv(path, ["dataset", "checkpoint", "accuracy"])
    numeric = pd.to_numeric(table["accuracy"], errors="coerce")
    wrong = ~numeric.between(0, 100)
    if wrong.any():
        line = int(wrong.to_numpy().argmax())
        value = table["accuracy"].iloc[line]
        raise InputError(f"{path}: line {line + 2}: accuracy '{value}' is not a percentage from 0 to 100; correct it")
    if len(table) and numeric.max() <= 1:
        raise InputError(f"{path}: no accuracy is above 1; give percent, not fractions")
    for column in set(COLUMNS[2:]) & set(table.columns):
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = table[column].notna() & ~np.isfinite(numbers)
        if wrong.any():
            line = int(wrong.to_numpy().argmax())
            raise InputError(
                f"{path}: line {line + 2}: {column} '{table[column].iloc[line]}' is not a number; correct it"
            )
        table[column] = numbers
    names = {column: table[column].fillna("").astype(str) for column in ("dataset", "checkpoint")}
    return _select(table.assign(accuracy=numeric, **names), str(path), dataset, checkpoints)


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
