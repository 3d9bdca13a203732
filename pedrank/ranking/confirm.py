"""A ranking confirmed or corrected: what fine-tuning its first checkpoints has shown, and what it cost beside all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LEARNED = 0.1  # of the way from chance to 100 %: less shows no fine-tuning


def confirm(
    ranking: Mapping[str, Any],
    accuracies: pd.DataFrame,
    seconds: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Whether the checkpoint ranked first is the most accurate of those that were fine-tuned.

    Args:
        ranking: What scripts/ranking.py writes as JSON.
        accuracies: checkpoint, accuracy (percent), sd (over seeds), seeds: `pedrank.finetune.ground_truth.from_runs`.
        seconds: Training seconds of each run, by checkpoint.

    Returns:
        fine_tuned: One entry per checkpoint, the most accurate first, with its rank by the scores.
        verdict: "confirmed", "corrected", or "open" where the most accurate leads the pick by less than two standard
            errors over seeds, or where one seed shows no spread; "untrained" where the most accurate is nearer to
            chance than a tenth of the way from there to 100 %, so that the runs were too short to say anything.
        best, pick, lead (points), lead_error (two standard errors of the lead; None where unknown).
        runs, all_runs, hours, all_hours, saved: what was spent, what all checkpoints would take by the mean of those
            that were fine-tuned, and the share that was spared.
    """
    rank_of = {row["checkpoint"]: row["rank"] for row in ranking["checkpoints"]}
    table = accuracies.sort_values("accuracy", ascending=False, kind="stable").to_dict("records")
    entries = [
        {
            "checkpoint": row["checkpoint"],
            "rank": rank_of[row["checkpoint"]],
            "accuracy": row["accuracy"],
            "sd": None if np.isnan(row["sd"]) else row["sd"],
            "seeds": int(row["seeds"]),
        }
        for row in table
    ]
    best, pick = entries[0], min(entries, key=lambda entry: entry["rank"])
    lead = best["accuracy"] - pick["accuracy"]
    error = _two_errors(best, pick)
    chance = 100 / ranking["classes"]
    hours = sum(map(sum, seconds.values())) / 3600
    runs = sum(map(len, seconds.values()))
    share = len(entries) / len(rank_of)
    return {
        "fine_tuned": entries,
        "verdict": _verdict(best["accuracy"], chance, lead, error),
        "best": best["checkpoint"],
        "pick": pick["checkpoint"],
        "lead": lead,
        "lead_error": error,
        "chance": chance,
        "runs": runs,
        "all_runs": round(runs / share),
        "hours": hours,
        "all_hours": hours / share,
        "saved": 1 - share,
    }


def _two_errors(one: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """Two standard errors of a difference of mean accuracies; None where a spread is unknown."""
    if one["sd"] is None or other["sd"] is None:
        return None
    return 2 * float(np.sqrt(one["sd"] ** 2 / one["seeds"] + other["sd"] ** 2 / other["seeds"]))


def _verdict(best: float, chance: float, lead: float, error: float | None) -> str:
    if best - chance < LEARNED * (100 - chance):
        return "untrained"
    if lead == 0:
        return "confirmed"
    return "corrected" if error is not None and lead > error else "open"
