"""Sentences about a ranking whose first checkpoints were fine-tuned: confirmed, corrected or open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text


def confirmation_sentences(found: Mapping[str, Any]) -> list[str]:
    """Say what fine-tuning the checkpoints ranked first has shown.

    Args:
        found: Result of `pedrank.ranking.confirm.confirm`.

    Returns:
        Two entries in plain text: the verdict, and the cost compared with fine-tuning all checkpoints.
    """
    price = (
        f"{found['runs']} runs took {_hours(found['hours'])} of training. Fine-tuning all checkpoints would take "
        f"{found['all_runs']} runs and an estimated {_hours(found['all_hours'])}, so {text.share(found['saved'])} "
        "of the time was saved. A checkpoint that was not fine-tuned may still be better."
    )
    return [_verdict(found), price]


def _verdict(found: Mapping[str, Any]) -> str:
    best, number, verdict = found["fine_tuned"][0], len(found["fine_tuned"]), found["verdict"]
    reached = f"{text.accuracy(best['accuracy'], best['sd'])}%"
    if verdict == "untrained":
        return (
            f"Not confirmed: even the most accurate checkpoint, {found['best']} ({reached}), is hardly better than "
            f"chance ({text.accuracy(found['chance'])}%). Fine-tune for more steps (--steps)."
        )
    if verdict == "alone":
        return f"Open: only {found['pick']} was fine-tuned ({reached}); fine-tune two or more to compare them."
    if verdict == "tied":
        return (
            f"Open: {found['pick']}, which is ranked first, and {found['rival']} are equally accurate ({reached}). "
            "Both checkpoints are good choices; more test images could separate them."
        )
    if verdict == "confirmed":
        return (
            f"Confirmed: {found['best']}, which is ranked first, is the most accurate of the {number} fine-tuned "
            f"checkpoints ({reached}). {_margin(found)}"
        )
    ahead = (
        f"{found['best']} ({reached}) is {text.points(found['lead'])} points more accurate than {found['pick']}, which "
        "is ranked first"
    )
    if verdict == "corrected":
        return f"Corrected: {ahead}. Fine-tune {found['best']}."
    if found["lead_error"] is None:
        return f"Open: {ahead}. With one seed, this difference may be chance."
    error = text.points(found["lead_error"])
    return (
        f"Open: {ahead}. This difference is within two standard errors over seeds ({error} points). Both checkpoints "
        "are good choices."
    )


def _margin(found: Mapping[str, Any]) -> str:
    """How far the pick leads the second, and whether that may be chance."""
    said = f"It leads {found['rival']} by {text.points(found['lead'])} points"
    if found["lead_error"] is None:
        return f"{said}. With one seed, this difference may be chance."
    error = text.points(found["lead_error"])
    if found["lead"] <= found["lead_error"]:
        return f"{said}, which is within two standard errors over seeds ({error} points), so the order may be chance."
    return f"{said}, more than two standard errors over seeds ({error} points)."


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min" if hours * 60 >= 1 else f"{hours * 3600:.0f} s"
