"""A ranking confirmed or corrected by fine-tuning its first checkpoints, and the compute that this saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LEARNED = 0.1  # of the way from chance to 100 %; runs below it were too short to count


def confirm(
    ranking: Mapping[str, Any],
    accuracies: pd.DataFrame,
    seconds: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Check whether the checkpoint ranked first is the most accurate of the fine-tuned ones.

    Args:
        ranking: A ranking as scripts/ranking.py writes it to JSON.
        accuracies: Table from `pedrank.finetune.ground_truth.from_runs`: checkpoint, accuracy (percent), sd (percent,
            over seeds), seeds.
        seconds: Training seconds of each run, by checkpoint.

    Returns:
        A dictionary:

        - fine_tuned: one entry per checkpoint, the most accurate first, with its rank by the scores.
        - verdict: "confirmed" where the pick is the most accurate. "corrected" where another leads it by more than two
          standard errors over seeds. "open" where that lead is smaller, or its error unknown because of a single seed.
          "tied" where another is exactly as accurate. "alone" where nothing else was fine-tuned. "untrained" where the
          best accuracy is less than a tenth of the way from chance to 100 %: such runs were too short to compare
          checkpoints.
        - best, pick, rival: names; the rival is the most accurate of the others. lead: percentage points between pick
          and rival, None without a rival; lead_error: two standard errors of the lead, None where unknown; chance:
          accuracy of guessing, in percent.
        - runs, hours: spent on fine-tuning; all_runs, all_hours: estimates for all checkpoints, from the mean of the
          fine-tuned ones; saved: share of the checkpoints that were not fine-tuned.

    >>> import pandas as pd
    >>> ranking = {"classes": 10, "checkpoints": [{"checkpoint": "moco", "rank": 1}, {"checkpoint": "byol", "rank": 2}]}
    >>> columns = {"checkpoint": ["moco", "byol"], "accuracy": [90.0, 80.0], "sd": [1.0, 1.0], "seeds": [3, 3]}
    >>> confirm(ranking, pd.DataFrame(columns), {"moco": [60.0] * 3, "byol": [60.0] * 3})["verdict"]
    'confirmed'
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
    rival = next((entry for entry in entries if entry is not pick), None)
    ahead = rival["accuracy"] - pick["accuracy"] if rival else None  # above 0 where the rival is better
    error = _two_errors(rival, pick) if rival else None
    chance = 100 / ranking["classes"]
    hours = sum(map(sum, seconds.values())) / 3600
    runs = sum(map(len, seconds.values()))
    share = len(entries) / len(rank_of)
    return {
        "fine_tuned": entries,
        "verdict": _verdict(best["accuracy"], chance, ahead, error),
        "best": best["checkpoint"],
        "pick": pick["checkpoint"],
        "rival": rival["checkpoint"] if rival else None,
        "lead": None if ahead is None else abs(ahead),
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


def _verdict(best: float, chance: float, ahead: float | None, error: float | None) -> str:
    if best - chance < LEARNED * (100 - chance):
        return "untrained"
    if ahead is None:
        return "alone"
    if ahead <= 0:
        return "confirmed" if ahead < 0 else "tied"
    return "corrected" if error is not None and ahead > error else "open"
