"""Sentences about a ranking without ground truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text

_SURE = {
    "sure": "The scores are sure",
    "likely": "Likely, but not certain",
    "open": "The scores leave it open",
}


def headline(found: Mapping[str, Any]) -> str:
    """Give the recommendation in one clause.

    >>> headline({"recommendation": {"picks": ["byol-tiny", "moco-tiny"]}})
    'Fine-tune byol-tiny or moco-tiny'
    """
    return f"Fine-tune {' or '.join(found['recommendation']['picks'])}"


def how_sure(found: Mapping[str, Any]) -> str:
    """Say how certain the first rank is: over random halves of the images, and over metrics.

    Args:
        found: The JSON file of scripts/ranking.py: metric, refinement, halves, recommendation.

    Returns:
        Plain text.
    """
    advice = found["recommendation"]
    times = round(advice["first"] * found["halves"])
    name = text.method(found["metric"], found["refinement"])
    said = f"{_SURE[advice['sure']]}: {name} ranks it first on {times} of {found['halves']} random halves of the images"
    number = len(advice["agree"]) + len(advice["tie"]) + len(advice["disagree"])
    if number:
        agree, tie = (list(map(text.metric, advice[key])) for key in ("agree", "tie"))
        said += f". {_others(agree, tie, number)}"
        if advice["mean_tau_w"] is not None:
            tau = f"mean {text.TAU}_w with their rankings" if number > 1 else f"{text.TAU}_w with its ranking"
            said += f". {name}'s {tau} is {text.points(advice['mean_tau_w'])}"
    return f"{said}. The second choice is {advice['runner_up']}."


def _others(agree: list[str], tie: list[str], number: int) -> str:
    """How many of the other metrics rank the same checkpoint first, and which."""
    if not agree:
        said = "No other metric ranks it first" if number > 1 else "The other metric does not rank it first"
        said += " alone" if tie else ""
    elif number == 1:
        said = f"The other metric, {agree[0]}, ranks it first too"
    else:
        verb = "ranks" if len(agree) == 1 else "rank"
        said = f"{len(agree)} of {number} other metrics {verb} it first ({', '.join(agree)})"
    if tie:
        said += f". {text.listed(tie)} {'ranks' if len(tie) == 1 else 'rank'} it first together with others"
    return said


def worth(found: Mapping[str, Any]) -> str:
    """Say how far to trust a ranking: how well the metric ranked in the paper's study, and how well chance does.

    Args:
        found: The JSON file of scripts/ranking.py: metric, refinement, checkpoints, published, chance.

    Returns:
        Plain text.
    """
    name, n = text.method(found["metric"], found["refinement"]), len(found["checkpoints"])
    known = found["published"]
    if known is None:
        said = f"The paper does not report how well {name} ranks"
    else:
        said = (
            f"In the paper's study of twelve self-supervised ResNet-50s on ten datasets, {name} has a mean "
            f"{text.TAU}_w of {text.points(known['mean'])} with the accuracies ({text.points(known['least'])} to "
            f"{text.points(known['largest'])} on single datasets)"
        )
        if found["refinement"] != "none":
            said += f" ({text.LAMDA} was chosen there with the accuracies known)"
    return (
        "A stable ranking can still be wrong: scores are computed without knowing the accuracies after fine-tuning. "
        f"{said}. With {n} checkpoints, 5 % of random rankings reach a {text.TAU}_w of {text.points(found['chance'])}. "
        "To be sure, fine-tune the top checkpoints."
    )
