"""The answer of `pedrank rank` on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.report import text as printed
from pedrank.utils.columns import align


def text(found: Mapping[str, Any]) -> str:
    """The answer as text: ranking, recommendation, its reliability, result of fine-tuning, and path of the report.

    Args:
        found: The ranking's JSON, with `report` (a path), `seconds`, `notes` (texts) and, after fine-tuning,
            `confirmation`.
    """
    others = found["others"]
    head = ["rank", "checkpoint", printed.method(found["metric"], found["refinement"]), "first on halves"]
    head += [*map(printed.metric, others), "features", "seconds"]
    rows = [
        [
            str(row["rank"]),
            row["checkpoint"],
            f"{row['score']:.4g}",
            printed.share(row["first"]),
            *(str(row[f"rank_{name}"]) for name in others),
            str(row["features"]),
            printed.seconds(row["seconds"]),
        ]
        for row in found["checkpoints"]
    ]
    about = f"{found['dataset']}: checkpoints are scored on {found['images']:,} images of {found['classes']} classes"
    said = [about, "", *columns([head, *rows]), "", *found["sentences"]]
    if "confirmation" in found:
        said += ["", *_confirmation(found["confirmation"])]
    if found.get("notes"):
        said += ["", *(f"note: {note}" for note in found["notes"])]
    return "\n".join([*said, "", f"Report: {found['report']} ({printed.seconds(found['seconds'])} s)"])


def _confirmation(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [entry["checkpoint"], printed.accuracy(entry["accuracy"], entry["sd"]), str(entry["rank"])]
        for entry in found["fine_tuned"]
    ]
    return [*columns([["fine-tuned", "accuracy in %", "rank"], *rows], left=(0,)), "", *found["sentences"]]


def columns(rows: Sequence[Sequence[str]], left: Sequence[int] = (1,)) -> list[str]:
    """Lines of aligned columns, those of `left` to the left and the others to the right."""
    return align(rows, left)
