"""The answer of `pedrank rank` on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.report import text as printed
from pedrank.utils.columns import align


def text(found: Mapping[str, Any]) -> str:
    """The answer as text: notes on the data, ranking, recommendation and its reliability, fine-tuning, and report.

    Args:
        found: The ranking's JSON, with `notes` (sentences), `report` (a path), `seconds` and, after fine-tuning,
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
    if found["rows"] > found["images"]:
        about += f"; an image of several classes counts once for each of them, which gives {found['rows']:,} rows"
    said = [about, "", *columns([head, *rows]), "", *found["sentences"]]
    if found["notes"]:
        said += ["", *(f"Note: {note}" for note in found["notes"])]
    if "confirmation" in found:
        said += ["", *_confirmation(found["confirmation"])]
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
