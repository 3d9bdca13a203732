"""Ground truth: how accurate each checkpoint is on one dataset, from one of three sources.

Every source gives the same table, one row per checkpoint: checkpoint, accuracy (percent), sd (over seeds), seeds (their
number), lr and weight_decay (the chosen grid point), diverged (seeds that diverged); what a source does not know is
left empty.
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

    A diverged test run counts at chance level, as its record says; the column `diverged` has their number.

    Args:
        runs: `pedrank.finetune.runs_table.table` of one dataset.
        checkpoints: Which of them, in this order.

    Raises:
        InputError: A checkpoint has no test run.
    """
    import pandas as pd

    rows = []
    for checkpoint in checkpoints:
        tested = runs[(runs["checkpoint"] == checkpoint) & (runs["stage"] == "test")]
        if tested.empty:
            raise InputError(f"{checkpoint}: no test run among its fine-tuning runs; fine-tune it again")
        accuracies, first = tested["accuracy"], tested.iloc[0]
        chosen = (first["learning_rate"], first["weight_decay"])
        rows.append(
            (checkpoint, accuracies.mean(), accuracies.std(ddof=1), len(tested), *chosen, int(tested["diverged"].sum()))
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def published(path: str | os.PathLike, dataset: str, regime: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """Accuracies printed in the literature (`published/README.md`); regime: full, last_block or linear."""
    table = read_csv(path, ["regime", "dataset", "checkpoint", "accuracy"])
    table = table[table["regime"] == regime]
    if table.empty:
        raise InputError(f"no published accuracies of regime '{regime}'; choose full, last_block or linear")
    return _select(table, f"the published accuracies ({regime})", dataset, checkpoints)


def from_file(path: str | os.PathLike, dataset: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """Accuracies of a user's CSV: columns dataset, checkpoint, accuracy (percent) and, optionally, sd.

    Raises InputError for a missing column or checkpoint, a double one, and an accuracy that is no percentage.
    """
    import numpy as np
    import pandas as pd

    table = read_csv(path, ["dataset", "checkpoint", "accuracy"])
    numeric = pd.to_numeric(table["accuracy"], errors="coerce")
    wrong = ~numeric.between(0, 100)
    if wrong.any():
        line = int(wrong.to_numpy().argmax())
        value = table["accuracy"].iloc[line]
        raise InputError(f"{path}: line {line + 2}: accuracy '{value}' is not a percentage from 0 to 100")
    if len(table) and numeric.max() <= 1:
        raise InputError(f"{path}: no accuracy is above 1; give percent, not fractions")
    for column in set(COLUMNS[2:]) & set(table.columns):
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = table[column].notna() & ~np.isfinite(numbers)
        if wrong.any():
            line = int(wrong.to_numpy().argmax())
            raise InputError(f"{path}: line {line + 2}: {column} '{table[column].iloc[line]}' is no number; correct it")
        table[column] = numbers
    names = {column: table[column].fillna("").astype(str) for column in ("dataset", "checkpoint")}
    return _select(table.assign(accuracy=numeric, **names), str(path), dataset, checkpoints)


def _select(table: pd.DataFrame, source: str, dataset: str, checkpoints: Sequence[str]) -> pd.DataFrame:
    """The rows of `dataset`, in the order of `checkpoints`."""
    rows = table[table["dataset"] == dataset]
    if rows.empty:
        known = ", ".join(sorted(set(table["dataset"])))
        raise InputError(f"{source}: nothing on dataset '{dataset}' (there is {known})")
    double = rows["checkpoint"][rows["checkpoint"].duplicated()]
    if len(double):
        raise InputError(f"{source}: two rows for '{double.iloc[0]}' on {dataset}; leave one")
    missing = [name for name in checkpoints if name not in set(rows["checkpoint"])]
    if missing:
        raise InputError(f"{source}: no row for '{missing[0]}' on {dataset}; add it, or take it out of the config")
    return rows.set_index("checkpoint").loc[list(checkpoints)].reset_index().reindex(columns=COLUMNS)
