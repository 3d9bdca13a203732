"""Sentences and notes of a ranking by real numbers or by several labels per sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text
from pedrank.report.sentences.ranking_notes import different_widths, same_features, ties
from pedrank.report.sentences.ranking_sentences import headline, how_stable, random_rankings

MEASURES = {"regression": "R2", "labels": "mean average precision"}  # of k-NN and linear probe


def target_sentences(found: Mapping[str, Any]) -> list[str]:
    """Write the answer: recommendation, how stable it is, what it rests on, and how far to trust it.

    Args:
        found: Result of `pedrank.ranking.from_targets.rank_targets`.

    Returns:
        Four entries in plain text.
    """
    return [
        f"{headline(found)}.",
        "No probability is given, because pedrank's probabilities are fitted to classification. "
        f"{how_stable(found, text.metric(found['metric']))}",
        _rests_on(found),
        "A stable ranking can still be wrong: scores are computed without knowing the results of fine-tuning, and how "
        f"well they agree with them was not measured for such targets. {random_rankings(found)}",
    ]


def _rests_on(found: Mapping[str, Any]) -> str:
    number, pick = found["targets"], found["recommendation"]["picks"][0]
    row = found["checkpoints"][0]
    what = f"{number} labels per sample" if found["task"] == "labels" else "real numbers"
    if found["task"] == "regression" and number > 1:
        what = f"{number} columns of real numbers"
    said = f"The order is that of {text.metric(found['metric'])} on {what}. No prior is used, because published "
    said += "accuracies are those of classification."
    measured = [name for name in (found["metric"], *found["others"]) if name != "logme"]
    if measured:
        values = text.listed([f"{text.points(row[f'score_{name}'])} ({text.metric(name)})" for name in measured])
        said += f" With the features of {pick}, the {MEASURES[found['task']]} on samples left out is {values}."
    return said


def target_notes(found: Mapping[str, Any]) -> list[str]:
    """List what makes such a ranking less certain than its numbers look.

    Args:
        found: Result of `pedrank.ranking.from_targets.rank_targets`.

    Returns:
        Sentences in plain text.
    """
    parts = (same_features, _wide, _useless, _undefined, ties, different_widths)
    return [note for part in parts for note in part(found)]


def _wide(found: Mapping[str, Any]) -> list[str]:
    """Checkpoints with more features than samples."""
    rows = [row for row in found["checkpoints"] if row["features"] > found["images"]]
    wide = [f"{row['checkpoint']} ({row['features']:,})" for row in rows]
    if not wide:
        return []
    return [
        f"There are fewer samples ({found['images']:,}) than features for {text.listed(wide)}. LogME can then fit "
        "noise; k-NN and the linear probe judge samples that they have not seen."
    ]


def _useless(found: Mapping[str, Any]) -> list[str]:
    """No linear probe that predicts better than the mean."""
    scores = [row.get("score_linear_probe") for row in found["checkpoints"]]
    if found["task"] != "regression" or None in scores or max(scores) > 0:
        return []
    return ["No linear probe predicts better than the mean target (R2 of at most 0), so the order may be chance."]


def _undefined(found: Mapping[str, Any]) -> list[str]:
    """Metrics that drop out."""
    return [
        f"{text.metric(each['metric'])} is left out, because it is undefined for {text.listed(each['checkpoints'])} "
        f"({each['reason']})."
        for each in found["undefined"]
    ]
