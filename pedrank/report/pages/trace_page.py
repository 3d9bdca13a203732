"""The page that leads from each cell of Table 1 back to its inputs: one section per cell, each file once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.report import text
from pedrank.report.templates import render

PAGE = "trace.html"  # beside report.html


def cell_anchor(metric: str, refinement: str, dataset: str) -> str:
    """Name the anchor of a cell's section.

    >>> cell_anchor("logme", "ped-0.6", "digits")
    'logme--ped-0.6--digits'
    """
    return "--".join("-".join(name.split()) for name in (metric, refinement, dataset))


def cell_link(metric: str, refinement: str, dataset: str) -> str:
    """Link from the report to a cell's section.

    >>> cell_link("logme", "none", "mean")
    'trace.html#logme--none--mean'
    """
    return f"{PAGE}#{cell_anchor(metric, refinement, dataset)}"


def words(options: Mapping[str, Any]) -> str:
    """Print options in one line; "no options" where the mapping is empty.

    >>> words({"lam": 0.6, "splits": ["train", "validation"]})
    'lam 0.6, splits train validation'
    """

    def word(value: Any) -> str:
        if isinstance(value, (list, tuple)):
            return " ".join(map(word, value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    return ", ".join(f"{name} {word(value)}" for name, value in options.items()) or "no options"


def trace_page(found: Mapping[str, Any]) -> str:
    """Set the page of a study.

    Args:
        found: `cells` and `files` of the study, as `pedrank.study.trace.plain` returns them.

    Returns:
        The page as HTML. It needs no other file.
    """
    anchors = {path: f"f{number}" for number, path in enumerate(found["files"])}
    study = found["cells"][0]["study"] if found["cells"] else ""
    return (
        render(
            "trace.html.j2",
            title=f"Where the numbers of Table 1 come from. Study {study}",
            rows=_rows(found["cells"], anchors),
            groups=_groups(found["files"], anchors),
            tau=text.TAU,
        )
        + "\n"
    )


def _rows(cells: Sequence[Mapping[str, Any]], anchors: Mapping[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The cells of each row of Table 1, below the name of the row."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for cell in cells:
        rows.setdefault((cell["metric"], cell["refinement"]), []).append(_cell(cell, anchors))
    return [(text.method(*method), row) for method, row in rows.items()]


def _cell(cell: Mapping[str, Any], anchors: Mapping[str, str]) -> dict[str, Any]:
    value = {key: math.nan if number is None else number for key, number in cell["value"].items()}
    same_p = value["p_value"] == value["p_holm"] or math.isnan(value["p_holm"])
    ordered = sorted(cell["checkpoints"], key=lambda each: -_real(each["rank_score"]))
    return {
        "anchor": cell_anchor(cell["metric"], cell["refinement"], cell["dataset"]),
        "dataset": text.dataset(cell["dataset"]),
        "value": text.tau(value["tau_w"]),
        "interval": text.interval(value["ci_low"], value["ci_high"]),
        "p": text.p(value["p_value"]),
        "p_holm": "" if same_p else text.p(value["p_holm"]),
        "n": value["n"],
        "chosen": value["chosen"],
        "recomputed": "" if math.isnan(value["recomputed"]) else text.tau(value["recomputed"]),
        "summary": anchors.get(cell["summary_file"], ""),
        "formulas": cell["formulas"],
        "options": [(name, words(given)) for name, given in cell["options"].items()],
        "parts": [
            (cell_anchor(part["metric"], part["refinement"], part["dataset"]), text.dataset(part["dataset"]))
            for part in cell["parts"]
        ],
        "by_rank": any(each["score"] != each["rank_score"] for each in ordered),
        "checkpoints": [_checkpoint(each, ordered, anchors) for each in ordered],
        "warnings": cell["warnings"],
    }


def _checkpoint(
    each: Mapping[str, Any], ordered: Sequence[Mapping[str, Any]], anchors: Mapping[str, str]
) -> dict[str, Any]:
    own = _real(each["rank_score"])
    return {
        "rank": 1 + sum(_real(other["rank_score"]) > own for other in ordered),
        "checkpoint": each["checkpoint"],
        "score": f"{_real(each['score']):.6g}",
        "rank_score": f"{own:.6g}",
        "accuracy": text.UNDEFINED if each["accuracy"] is None else text.accuracy(each["accuracy"], each["sd"]),
        "score_file": anchors.get(each["score_file"], ""),
        "accuracy_file": anchors.get(each["accuracy_file"], ""),
    }


def _real(number: float | None) -> float:
    return math.nan if number is None else number


def _groups(
    files: Mapping[str, Mapping[str, Any]], anchors: Mapping[str, str]
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The files below the name of their folder, folders sorted."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, file in files.items():
        folder, _, name = path.partition("#")[0].rpartition("/")
        part = path.partition("#")[2]
        version = file["version"]
        item = {
            "anchor": anchors[path],
            "name": f"{name}, {part}" if part else name,
            "sha256": file["sha256"],
            "note": file["note"],
            "version": f"pedrank {version}" if version[:1].isdigit() else version,
            "options": words(file["options"]) if file["options"] else "",
            "inputs": [(anchors[each["path"]], _short(each["path"])) for each in file["inputs"]],
            "warnings": file["warnings"],
        }
        groups.setdefault(folder or "from packages, or computed", []).append(item)
    return sorted(groups.items())


def _short(path: str) -> str:
    """A path without the folders that all files of a study share."""
    return "/".join(path.split("/")[2:]) if path.startswith("results/") and path.count("/") > 2 else path
