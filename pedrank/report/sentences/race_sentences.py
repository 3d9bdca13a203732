"""Sentences about a race for a budget: the winner, the regret left, what was fine-tuned and what was not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text

NAMED = 5  # checkpoints without fine-tuning that are named; more are counted


def race_sentences(found: Mapping[str, Any]) -> list[str]:
    """Say what a budget has bought.

    Args:
        found: Result of `pedrank.ranking.confirm.confirm`, with the outcome of the race (`pedrank.finetune.race_runs`)
            under `race`.

    Returns:
        Three entries in plain text: the winner, the expected regret left, and what was fine-tuned.

    >>> race = {"winner": "byol", "learning_rate": 0.1, "regret_left": 0.31, "borrowed": [], "untried": ["moco"]}
    >>> entry = {"checkpoint": "byol", "accuracy": 90.0, "sd": None, "seeds": 1}
    >>> time = {"budget_seconds": 60, "spent_seconds": 52}
    >>> said = race_sentences({"verdict": "alone", "fine_tuned": [entry], "chance": 10.0, "race": race | time})
    >>> said[0]
    'Use byol: 90.0% with a learning rate of 0.1.'
    """
    race, tried = found["race"], found["fine_tuned"]
    return [_winner(race, tried, found), _regret(race, tried), _work(race, tried)]


def _winner(race: Mapping[str, Any], tried: list[Mapping[str, Any]], found: Mapping[str, Any]) -> str:
    entry = next(each for each in tried if each["checkpoint"] == race["winner"])
    reached = f"{text.accuracy(entry['accuracy'], entry['sd'])}%"
    if found["verdict"] == "untrained":
        return (
            f"No checkpoint wins: even {entry['checkpoint']} ({reached}) is hardly better than chance "
            f"({text.accuracy(found['chance'])}%). Fine-tune for more steps (--steps)."
        )
    said = f"Use {entry['checkpoint']}: {reached} with a learning rate of {race['learning_rate']:g}."
    best = tried[0]
    if best["accuracy"] > entry["accuracy"]:
        said += (
            f" {best['checkpoint']} reached more ({text.accuracy(best['accuracy'], best['sd'])}%), but its prior, its "
            "features and the noise of seeds let one expect less of it."
        )
    return said


def _regret(race: Mapping[str, Any], tried: list[Mapping[str, Any]]) -> str:
    number = len(tried) + len(race["untried"])
    return (
        f"The best of all {number} checkpoints is expected to be {text.points(race['regret_left'])} points more "
        "accurate. The expectation rests on prior, features and the runs; docs/budget.md shows how far such "
        "expectations were off elsewhere."
    )


def _work(race: Mapping[str, Any], tried: list[Mapping[str, Any]]) -> str:
    untried, borrowed = race["untried"], len(race["borrowed"])
    rest = text.listed(untried) if 0 < len(untried) <= NAMED else f"{len(untried)} checkpoints"
    said = f"{len(tried)} checkpoints were fine-tuned, as the table shows"
    said += f", {borrowed} with the learning rate of another one of the same architecture" if borrowed else ""
    said += f"; not fine-tuned: {rest}." if untried else "; none was left out."
    return f"{said} {race['spent_seconds']:,.0f} of {race['budget_seconds']:,.0f} s were used."
