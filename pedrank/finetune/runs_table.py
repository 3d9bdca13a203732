"""All runs of a dataset as one table, and their cost compared with the whole grid and all seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pedrank.finetune.protocol import Protocol, point_name

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["checkpoint", "stage", "learning_rate", "weight_decay", "steps", "seed", "accuracy", "diverged"]


def runs_table(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """One row per run, with `COLUMNS` (accuracy in percent). Seeds that early stopping has saved have no row.

    Args:
        records: By checkpoint, the records of its runs.
    """
    import pandas as pd

    rows = [
        (
            checkpoint,
            record["stage"],
            record["options"]["learning_rate"],
            record["options"]["weight_decay"],
            record["options"]["steps"],
            record["seed"],
            record["accuracy"],
            record["diverged"],
        )
        for checkpoint, runs in records.items()
        for record in runs
        if not record.get("spared")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def runs_cost(runs: pd.DataFrame, protocol: Protocol) -> dict[str, float]:
    """Runs and training steps of a table, those of the full protocol, and the share of steps that was saved.

    Args:
        runs: As `runs_table` returns it.
        protocol: Grid, seeds and steps.
    """
    full = runs["checkpoint"].nunique() * (len(protocol.points) + len(protocol.seeds))
    steps, full_steps = int(runs["steps"].sum()), full * protocol.training["steps"]
    return {
        "runs": len(runs),
        "full_runs": full,
        "steps": steps,
        "full_steps": full_steps,
        "saved": 1 - steps / full_steps,
    }


def runs_seconds(
    records: Mapping[str, Sequence[Mapping[str, Any]]], timings: Mapping[str, Sequence[Mapping[str, Any]]]
) -> pd.DataFrame:
    """One row per run: the columns of `runs_table` that identify it, and its seconds of training.

    Args:
        records: By checkpoint, the records of its runs.
        timings: By checkpoint, the timings of the same runs in the same order.
    """
    import pandas as pd

    table = runs_table(records)[COLUMNS[:6]]
    seconds = [
        timing["seconds"]
        for checkpoint, runs in records.items()
        for record, timing in zip(runs, timings[checkpoint], strict=True)
        if not record.get("spared")
    ]
    return table.assign(seconds=pd.Series(seconds, table.index, dtype=float))


def run_name(record: Mapping[str, Any], halving: bool = False) -> str:
    """The name of a run's file without its suffix.

    Args:
        record: The run.
        halving: Whether the grid is searched by halving; the name then has the number of steps.

    >>> run_name({"stage": "test", "seed": 3})
    'test-seed3'
    """
    if record["stage"] == "test":
        return f"test-seed{record['seed']}"
    options = record["options"]
    point = point_name((options["learning_rate"], options["weight_decay"]))
    return f"validation-{point}-steps{options['steps']}" if halving else f"validation-{point}"
