"""A confirmed or corrected ranking in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text


def confirmation_sentences(found: Mapping[str, Any]) -> list[str]:
    """The verdict and the price, from `pedrank.ranking.confirm.confirm`."""
    best, number = found["fine_tuned"][0], len(found["fine_tuned"])
    reached = f"{text.accuracy(best['accuracy'], best['sd'])}%"
    if found["verdict"] == "untrained":
        said = f"Nothing is confirmed: the best, {found['best']} ({reached}), is hardly above chance "
        said += f"({text.accuracy(found['chance'])}%). Give the runs more steps (--steps)."
    elif found["verdict"] == "confirmed":
        said = f"Confirmed: {found['best']}, ranked first, is the most accurate of the {number} fine-tuned ({reached})."
    else:
        ahead = (
            f"{found['best']} ({reached}) is {text.points(found['lead'])} points ahead of {found['pick']}, ranked first"
        )
        if found["verdict"] == "corrected":
            said = f"Corrected: {ahead}. Fine-tune {found['best']}."
        elif found["lead_error"] is None:
            said = f"Open: {ahead}, with one seed, which says nothing about chance."
        else:
            error = text.points(found["lead_error"])
            said = f"Open: {ahead}, within two standard errors over seeds ({error}). Either will do."
    price = (
        f"{found['runs']} runs took {_hours(found['hours'])} of training; all checkpoints would take "
        f"{found['all_runs']} runs and about {_hours(found['all_hours'])} (estimated): {text.share(found['saved'])} "
        "saved. A better checkpoint among those not fine-tuned cannot be ruled out."
    )
    return [said, price]


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min" if hours * 60 >= 1 else f"{hours * 3600:.0f} s"
