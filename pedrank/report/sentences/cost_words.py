"""Costs and licences of checkpoints in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.catalogue.licence import licence_kind
from pedrank.report import text

CARD = "NVIDIA RTX PRO 6000 Max-Q (timm's benchmark: PyTorch 2.9.1, CUDA 13.0, mixed precision)"
COSTS = {  # column of the ranking: what it is called
    "params_millions": "M parameters",
    "gmacs": "GMACs",
    "images_per_second": "images/s",
    "licence": "licence",
}


def known_costs(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """List the columns of costs that are known for any checkpoint.

    Args:
        rows: Checkpoints; unknown values are None or NaN.

    >>> known_costs([{"params_millions": 25.56, "gmacs": None}, {"licence": "MIT"}])
    ['params_millions', 'licence']
    """
    return [column for column in COSTS if any(_is_known(row.get(column)) for row in rows)]


def cost_text(column: str, value: Any) -> str:
    """Format a value of a column of costs.

    >>> cost_text("images_per_second", 6459.19), cost_text("gmacs", 4.112), cost_text("licence", None)
    ('6,459', '4.11', 'not stated')
    """
    if column == "licence":
        return str(value) if _is_known(value) else "not stated"
    if not _is_known(value):
        return text.UNDEFINED
    return format(value, {"params_millions": ".1f", "gmacs": ".2f", "images_per_second": ",.0f"}[column])


def about_costs(columns: Sequence[str]) -> str:
    """Explain the printed columns of costs.

    Args:
        columns: From `known_costs`.
    """
    said = []
    if "params_millions" in columns:
        said.append("Parameters are published numbers, with the classifier of ImageNet.")
    if "gmacs" in columns:
        said.append("GMACs: multiply-accumulates per image, in 10^9.")
    if "images_per_second" in columns:
        said.append(f"Images/s: published for an {CARD}, not measured here.")
    return " ".join(said)


def licences_of_picks(found: Mapping[str, Any]) -> str:
    """Say which of the recommended checkpoints may not be used commercially, or only on terms of their own.

    Args:
        found: The JSON file of scripts/ranking.py: recommendation, checkpoints.

    Returns:
        Plain text; empty where the licences are permissive or unknown.
    """
    picks = found["recommendation"]["picks"]
    rows = {row["checkpoint"]: row.get("licence") for row in found["checkpoints"]}
    sentences = {
        "non-commercial": "The licence of {}, {}, does not allow commercial use.",
        "special": "{} has a licence with special terms, {}: read it before you use the weights.",
    }
    said = [
        sentences[kind].format(name, rows[name])
        for name in picks
        if (kind := licence_kind(rows.get(name))) in sentences
    ]
    return " ".join(said)


def non_commercial(found: Mapping[str, Any]) -> list[str]:
    """List a note on the ranked checkpoints that may not be used commercially.

    Args:
        found: The JSON file of scripts/ranking.py: checkpoints.
    """
    rows = [row for row in found["checkpoints"] if licence_kind(row.get("licence")) == "non-commercial"]
    names = [f"{row['checkpoint']} ({row['licence']})" for row in rows]
    return [f"The licence does not allow commercial use of {text.listed(names)}."] if names else []


def _is_known(value: Any) -> bool:
    return value is not None and value == value
