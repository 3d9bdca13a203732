"""Trace a cell of Table 1 back to its inputs: formulas, options, and each file with its SHA-256.

    pedrank trace quickstart logme ped-0.6 digits             all checkpoints of the cell
    pedrank trace quickstart logme ped-0.6 digits byol-tiny   the files of one checkpoint
    pedrank trace quickstart logme none mean                  the datasets that the mean is taken over

REFINEMENT is none, ped-LAMBDA, a name of the study, ped-consensus or ped-oracle. Each recorded hash is compared with
the file as it is now; a difference is printed as a warning.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pedrank.study.trace import Origin, Trace
    from pedrank.study.trace_files import Node

_DIGITS = 16  # of a hash on a terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("study", metavar="STUDY", help="name of a study: a folder below results/")
    parser.add_argument("metric", metavar="METRIC", help="metric or baseline, by its name in summary.csv")
    parser.add_argument("refinement", metavar="REFINEMENT", help="none for the raw features")
    parser.add_argument("dataset", metavar="DATASET", help="dataset of the study, or mean")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", nargs="?", help="show only this checkpoint")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder of the studies (default: %(default)s); `pedrank rank` writes pedrank-results/results",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with whole hashes")


def run(arguments: argparse.Namespace) -> int:
    """Print the trace of a cell and return the exit code."""
    from pedrank.study.trace import plain, trace_cell

    cell = (arguments.study, arguments.metric, arguments.refinement, arguments.dataset, arguments.checkpoint)
    found = trace_cell(arguments.results, *cell)
    if arguments.json:
        print(json.dumps(plain([found]), indent=1, sort_keys=True))
    else:
        print("\n".join(lines(found)))
    return 0


def lines(trace: Trace) -> Iterator[str]:
    """The trace as lines for a terminal.

    Args:
        trace: From `pedrank.study.trace.trace_cell`.

    Returns:
        Warnings first, then the value, formulas, options, the numbers of each checkpoint, and the files.
    """
    from pedrank.report import text
    from pedrank.report.pages.trace_page import words
    from pedrank.utils.columns import align

    yield from (f"warning: {warning}" for warning in trace.warnings)
    yield f"{text.method(trace.metric, trace.refinement)} on {trace.dataset}, study {trace.study}"
    yield from _value(trace)
    yield from ("", "Formulas")
    rows = [[each.role, each.title, each.file, each.source] for each in trace.formulas]
    yield from (f"  {line}" for line in align(rows))
    if trace.options:
        yield from ("", "Options, defaults included")
        yield from (f"  {line}" for line in align([[name, words(given)] for name, given in trace.options.items()]))
    for part in trace.parts:
        yield ""
        value = f": {text.TAU}_w {text.tau(part.value.tau_w)}" if part.value else ""
        chosen = f", by {part.value.chosen}" if part.value and part.value.chosen else ""
        yield f"{part.dataset}{value}{chosen}"
        yield from _numbers(part)
    if trace.parts:
        yield from ("", _checked(trace))
        yield (f"Files are shown per dataset: pedrank trace {trace.study} {trace.metric} {trace.refinement} DATASET")
        return
    yield from ("", "Checkpoints")
    yield from _numbers(trace)
    yield from ("", f"Files. Below each file are those that it was made from. [first {_DIGITS} digits of the SHA-256]")
    seen: set[str] = set()
    if trace.summary:
        yield from _tree(trace.summary, seen)
    for each in trace.checkpoints:
        yield from ("", each.checkpoint)
        for node in (each.score_file, each.accuracy_file):
            if node:
                yield from _tree(node, seen)
    yield from ("", _checked(trace))


def _checked(trace: Trace) -> str:
    """How many files were looked at, and how many of them are not as recorded."""
    from pedrank.study.trace import plain

    number = sum(bool(each["sha256"]) for each in plain([trace])["files"].values())
    if trace.warnings:
        return f"{number} files or parts of files; warnings: {len(trace.warnings)}, printed at the top."
    return f"{number} files or parts of files: every recorded hash and every seal matches."


def _value(trace: Trace) -> Iterator[str]:
    from pedrank.report import text

    value = trace.value
    if value is None:
        yield "This study has no ground truth, so it has scores but no correlation with accuracies."
        return
    interval = text.interval(value.ci_low, value.ci_high)
    of = "mean over datasets of " if trace.parts else ""
    yield f"{of}{text.TAU}_w {text.tau(value.tau_w)}, 95 % interval {interval}, {value.n} checkpoints"
    holm = "" if value.p_value == value.p_holm else f"; {text.p(value.p_holm)} with Holm's correction over datasets"
    if value.p_value == value.p_value:
        yield f"against random rankings: {text.p(value.p_value)}{holm}"
    if value.chosen:
        yield f"{trace.refinement} chose {value.chosen}"
    if value.recomputed == value.recomputed:
        yield f"computed again from the scores and accuracies below: {text.TAU}_w {text.tau(value.recomputed)}"


def _numbers(trace: Trace) -> list[str]:
    """Rank, score and accuracy of each checkpoint, the highest score first."""
    from pedrank.report import text
    from pedrank.utils.columns import align

    by_rank = any(each.score != each.rank_score for each in trace.checkpoints)
    ranked = len(trace.checkpoints) > 1
    head = [
        *["rank"] * ranked,
        "checkpoint",
        "score",
        *["ranked by"] * by_rank,
        *["accuracy in %"] * (trace.value is not None),
    ]
    ordered = sorted(trace.checkpoints, key=lambda each: -each.rank_score)

    def row(each: Origin) -> list[str]:
        rank = 1 + sum(other.rank_score > each.rank_score for other in ordered)
        numbers = [f"{each.score:.6g}", *[f"{each.rank_score:.6g}"] * by_rank]
        if trace.value is not None:
            numbers.append(text.UNDEFINED if each.accuracy is None else text.accuracy(each.accuracy, each.sd))
        return [*[str(rank)] * ranked, each.checkpoint, *numbers]

    return [f"  {line}" for line in align([head, *map(row, ordered)], left=(int(ranked),))]


def _tree(node: Node, seen: set[str], depth: int = 1) -> Iterator[str]:
    """A file, and below it those that it was made from; what has been printed before is not repeated."""
    from pedrank.report.pages.trace_page import words

    indent = "  " * depth
    again = node.path in seen
    seen.add(node.path)
    digits = f"  [{node.sha256[:_DIGITS]}]" if node.sha256 else ""
    if again:
        yield f"{indent}{node.path}{digits}  (above)"
        return
    yield f"{indent}{node.path}{digits}"
    version = node.version if not node.version[:1].isdigit() else f"made by pedrank {node.version}"
    if not version and node.path.startswith("results/") and not node.path.endswith(".sha256"):
        version = "no version recorded"
    options = f"options: {words(node.options)}" if node.options else ""
    yield f"{indent}    {'; '.join(part for part in (node.note, version, options) if part)}"
    yield from (f"{indent}    warning: {warning}" for warning in node.warnings)
    for child in node.children:
        yield from _tree(child, seen, depth + 1)
