"""The answer of `pedrank rank` on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.report import text as printed
from pedrank.report.sentences.cost_words import COSTS, about_costs, cost_text, known_costs
from pedrank.utils.columns import align


def text(found: Mapping[str, Any]) -> str:
    """The answer as text: notes on the data, ranking, recommendation and its reliability, fine-tuning, and report.

    Args:
        found: The ranking's JSON, with `notes` (sentences), `report` (a path), `seconds` and, after fine-tuning,
            `confirmation`, `record` (a sentence, or None) and `kept` (with `sentences` and `weights`, a path).
    """
    combined = found["by"] == "combination"
    metrics = [found["metric"], *found["others"]] if combined else found["others"]
    priors = any(row["prior"] is not None for row in found["checkpoints"])
    head = ["rank", "checkpoint", *(["prior", "prior from"] if priors else [])]
    head += [] if combined else ["combination", printed.method(found["metric"], found["refinement"])]
    head += [*map(printed.metric, metrics), "first on halves", "features", "seconds"]
    rows = [
        [
            str(row["rank"]),
            row["checkpoint"] + (f" (= {row['same_as']})" if row["same_as"] else ""),
            *(_prior(row) if priors else []),
            *([] if combined else [str(row["rank_combination"]), f"{row['score']:.4g}"]),
            *(str(row[f"rank_{name}"]) for name in metrics),
            printed.share(row["first"]),
            str(row["features"]),
            printed.seconds(row["seconds"]),
        ]
        for row in found["checkpoints"]
    ]
    scored = f"{found['images']:,} {found['items']} of {found['classes']} classes"
    about = f"{found['dataset']}: checkpoints are scored on {scored}"
    if found["rows"] > found["images"]:
        about += f"; an image of several classes counts once for each of them, which gives {found['rows']:,} rows"
    said = [about, "", *columns([head, *rows]), *_costs(found["checkpoints"]), "", *found["sentences"]]
    if found["notes"]:
        said += ["", *(f"Note: {note}" for note in found["notes"])]
    if "confirmation" in found:
        said += ["", *_confirmation(found["confirmation"])]
        said += ["", found["record"]] if found["record"] else []
        said += ["", *found["kept"]["sentences"], *_kept(found["kept"]["weights"])]
    return "\n".join([*said, "", f"Report: {found['report']} ({printed.seconds(found['seconds'])} s)"])


def text_for_targets(found: Mapping[str, Any]) -> str:
    """The answer of a ranking by real numbers or by several labels per sample.

    Args:
        found: Result of `pedrank.cli.rank_targets.answer_for_targets`, with `seconds`.
    """
    import pandas as pd

    from pedrank.report.tables.table import texts
    from pedrank.report.tables.target_table import target_table

    of = "several labels each" if found["task"] == "labels" else "real numbers as targets"
    table = target_table(found, pd.DataFrame(found["checkpoints"]))
    said = [f"{found['dataset']}: checkpoints are scored on {found['images']:,} samples with {of}", ""]
    said += [*align(texts(table), left=(0,)), "", *found["sentences"], ""]
    said += [f"Note: {note}" for note in found["notes"]]
    return "\n".join(
        [*said, "", f"No report is written; --json prints all facts ({printed.seconds(found['seconds'])} s)"]
    )


def _prior(row: Mapping[str, Any]) -> list[str]:
    if row["prior"] is None:
        return [printed.UNDEFINED, "unknown"]
    return [printed.signed(row["prior"]), row["prior_from"]]


def _costs(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Costs and licences, in a table of their own, since the ranking is wide; none where only one licence is known."""
    costs = known_costs(rows)
    if costs in ([], ["licence"]) and len({row.get("licence") for row in rows}) == 1:
        return []
    cells = [[row["checkpoint"], *(cost_text(column, row.get(column)) for column in costs)] for row in rows]
    table = columns([["checkpoint", *(COSTS[column] for column in costs)], *cells], left=(0, len(costs)))
    return ["", *table, *([about_costs(costs)] if about_costs(costs) else [])]


def _confirmation(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            entry["checkpoint"],
            printed.accuracy(entry["accuracy"], entry["sd"]),
            str(entry["seeds"]),
            str(entry["rank"]),
        ]
        for entry in found["fine_tuned"]
    ]
    return [*columns([["fine-tuned", "accuracy in %", "seeds", "rank"], *rows], left=(0,)), "", *found["sentences"]]


def _kept(weights: str) -> list[str]:
    return [f"Weights: {weights}; README.md beside them has a program that predicts, and commands to train elsewhere."]


def columns(rows: Sequence[Sequence[str]], left: Sequence[int] = (1,)) -> list[str]:
    """Lines of aligned columns, those of `left` to the left and the others to the right."""
    return align(rows, left)
