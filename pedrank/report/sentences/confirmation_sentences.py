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
    best, number = found["fine_tuned"][0], len(found["fine_tuned"])
    reached = f"{text.accuracy(best['accuracy'], best['sd'])}%"
    if found["verdict"] == "untrained":
        said = f"Not confirmed: even the most accurate checkpoint, {found['best']} ({reached}), is hardly better than "
        said += f"chance ({text.accuracy(found['chance'])}%). Fine-tune for more steps (--steps)."
    elif found["verdict"] == "confirmed":
        said = f"Confirmed: {found['best']}, which is ranked first, is the most accurate of the {number} fine-tuned "
        said += f"checkpoints ({reached})."
    else:
        ahead = f"{found['best']} ({reached}) is {text.points(found['lead'])} points more accurate than "
        ahead += f"{found['pick']}, which is ranked first"
        if found["verdict"] == "corrected":
            said = f"Corrected: {ahead}. Fine-tune {found['best']}."
        elif found["lead_error"] is None:
            said = f"Open: {ahead}. With one seed, this difference may be chance."
        else:
            error = text.points(found["lead_error"])
            said = f"Open: {ahead}. This difference is within two standard errors over seeds ({error} points). Both "
            said += "checkpoints are good choices."
    price = (
        f"{found['runs']} runs took {_hours(found['hours'])} of training. Fine-tuning all checkpoints would take "
        f"{found['all_runs']} runs and an estimated {_hours(found['all_hours'])}, so {text.share(found['saved'])} was "
        "of the time was saved. A checkpoint that was not fine-tuned may still be better."
    )
    return [said, price]


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min" if hours * 60 >= 1 else f"{hours * 3600:.0f} s"
