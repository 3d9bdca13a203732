"""All runs of a dataset as one table, and what they cost beside the whole grid and all seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pedrank.finetune.protocol import Protocol, point_name

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["checkpoint", "stage", "learning_rate", "weight_decay", "steps", "seed", "accuracy", "diverged"]


def runs_table(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """One row per run (`COLUMNS`; accuracy in percent) of each checkpoint's records; spared seeds have none."""
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
    """Runs and training steps of a table, those of the full protocol, and the share of steps that was saved."""
    full = runs["checkpoint"].nunique() * (len(protocol.points) + len(protocol.seeds))
    steps, full_steps = int(runs["steps"].sum()), full * protocol.training["steps"]
    return {
        "runs": len(runs),
        "full_runs": full,
        "steps": steps,
        "full_steps": full_steps,
        "saved": 1 - steps / full_steps,
    }


def timing_file(run: Mapping[str, Any]) -> str:
    """Where the seconds of a run stand, below the folder of its dataset.

    `run` is a row of `table`, of a study that trains every grid point in full.
    """
    point = run["learning_rate"], run["weight_decay"]
    stem = f"validation-{point_name(point)}" if run["stage"] == "validation" else f"test-seed{run['seed']}"
    return f"{run['checkpoint']}/{stem}.timing.json"
