"""A ranking without ground truth in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text

_SURE = {
    "sure": "The scores are sure of it",
    "likely": "Likely, not certain",
    "open": "The scores leave it open",
}


def headline(found: Mapping[str, Any]) -> str:
    """The recommendation in one clause."""
    return f"Fine-tune {' or '.join(found['recommendation']['picks'])}"


def how_sure(found: Mapping[str, Any]) -> str:
    """How sure the scores are of the first rank, by images and by metrics."""
    advice = found["recommendation"]
    times = round(advice["first"] * found["halves"])
    name = text.method(found["metric"], found["refinement"])
    said = f"{_SURE[advice['sure']]}: {name} ranks it first on {times} of {found['halves']} random halves of the images"
    if advice["agree"] or advice["disagree"]:
        number = len(advice["agree"]) + len(advice["disagree"])
        agree = f" ({', '.join(map(text.metric, advice['agree']))})" if advice["agree"] else ""
        said += f"; of {number} other metric{'s' * (number > 1)} {len(advice['agree']) or 'none'} rank it first{agree}"
        if advice["mean_tau_w"] is not None:
            said += f"; mean {text.TAU}_w with them {text.points(advice['mean_tau_w'])}"
    widest = max(row["features"] for row in found["checkpoints"])
    narrow = f" Halves have fewer images than the widest features ({widest:,}), where scores may order otherwise."
    return f"{said}. Next comes {advice['runner_up']}.{narrow if found['images'] < 2 * widest else ''}"


def worth(found: Mapping[str, Any]) -> str:
    """What such a ranking is worth: how well the metric has ranked where accuracies are known, and what chance does."""
    name, n = text.method(found["metric"], found["refinement"]), len(found["checkpoints"])
    known = found["published"]
    if known is None:
        said = f"How well {name} ranks is not published for the paper's study"
    else:
        said = (
            f"In the paper's study, twelve self-supervised ResNet-50s on ten datasets, {name} has a {text.TAU}_w to "
            f"the true order of {text.points(known['mean'])} on average, from {text.points(known['least'])} to "
            f"{text.points(known['largest'])}"
        )
        if found["refinement"] != "none":
            said += f" ({text.LAMDA} chosen there with the accuracies known)"
    return (
        f"A firm order is no true order: the scores know no accuracy. {said}; of {n} checkpoints ranked by lot one "
        f"order in twenty reaches {text.points(found['chance'])}. Fine-tune the first few to be sure."
    )
