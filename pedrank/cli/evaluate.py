"""Judge anyone's scores by accuracies after fine-tuning, by the rules of pedrank's own studies.

    pedrank evaluate scores.csv accuracies.csv
    pedrank evaluate scores.csv accuracies.csv --about checkpoints.csv --out my-evaluation

SCORES has the columns dataset, checkpoint, metric, score; or dataset, checkpoint and one column per metric. Higher
scores are better. ACCURACIES (percent) has the columns dataset, checkpoint, accuracy and, optionally, sd and seeds; or
checkpoint and one column per dataset. The table of --about has the columns checkpoint, family, parameters.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pedrank.evaluation.judge import Judgement
    from pedrank.report.tables.table import Table

RECORD = "evaluation.made-by.json"  # marks a folder as one of this command
SOMETIMES = ("tables/differences", "tables/sub-hubs", "figures/critical-difference")  # not in every evaluation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank evaluate`."""
    parser.add_argument("scores", type=Path, metavar="SCORES", help="CSV of scores")
    parser.add_argument("accuracies", type=Path, metavar="ACCURACIES", help="CSV of accuracies in percent")
    parser.add_argument(
        "--about",
        type=Path,
        metavar="FILE",
        help="CSV of family and parameters: evaluate also without the largest of each family, and at equal size",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("pedrank-evaluation"),
        metavar="DIR",
        help="folder for tables, figures and report.html (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, write all files, and print the outcome."""
    from pedrank.evaluation.judge import judge
    from pedrank.report.sentences.evaluation_sentences import evaluation_sentences
    from pedrank.store.artefacts import provenance, write_json
    from pedrank.user_data import evaluation_tables

    given = [path for path in (arguments.scores, arguments.accuracies, arguments.about) if path is not None]
    scores, of_scores = evaluation_tables.read_scores(arguments.scores)
    accuracies, of_accuracies = evaluation_tables.read_accuracies(arguments.accuracies)
    about = evaluation_tables.read_about(arguments.about) if arguments.about else None
    _check_folder(arguments.out, given)
    judged = judge(scores, accuracies, about)
    judged = judged._replace(notes=(*of_scores, *of_accuracies, *judged.notes))
    made_by = provenance({"seed": 0}, given)
    write_json(arguments.out / RECORD, made_by | {"notes": list(judged.notes)})
    report = _write(judged, arguments.out, made_by["inputs"])
    print("\n".join([*_means(judged), "", *evaluation_sentences(judged.summary, judged.differences)]))
    for note in judged.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"\nReport: {report}")
    return 0


def _check_folder(out: Path, given: list[Path]) -> None:
    """InputError if the folder holds files that this command has not written, or its own input."""
    from pedrank.utils.errors import InputError

    if out.is_dir() and any(out.iterdir()) and not (out / RECORD).is_file():
        raise InputError(
            f"{out}: this folder has other content, which must not be overwritten; name a new folder with --out"
        )
    inside = [path for path in given if out.resolve() in path.resolve().parents]
    if inside:
        raise InputError(f"{inside[0]}: the input is in the folder of results; name another folder with --out")


def _write(judged: Judgement, out: Path, inputs: dict[str, str]) -> Path:
    """Write tables, figures and the page; return the page's path."""
    from pedrank.report import maker
    from pedrank.report.figures.style import save_figure
    from pedrank.report.pages.evaluation_page import evaluation_page
    from pedrank.report.tables.write import write_table
    from pedrank.store.artefacts import write_csv, write_text

    for path in (path for name in SOMETIMES for path in (out / name).parent.glob(f"{Path(name).name}.*")):
        path.unlink()  # of an earlier evaluation in this folder
    for name in ("scores", "ground_truth", "summary", "differences"):
        write_csv(out / f"{name.replace('_', '-')}.csv", getattr(judged, name))
    tables = dict(_tables(judged))
    for name, table in tables.items():
        write_table(table, [out / f"tables/{name}{suffix}" for suffix in (".csv", ".md", ".tex", ".html")])
    drawings = {"taus": maker("figure", "taus")(judged.summary)}
    if judged.ground_truth["dataset"].nunique() > 1:
        drawings["critical-difference"] = maker("figure", "critical-difference")(judged.summary)
    drawings["agreement"] = maker("figure", "agreement")(judged.scores, judged.ground_truth)
    for name, drawing in drawings.items():
        write_csv(out / f"figures/{name}.csv", drawing.numbers)
        save_figure(drawing.figure, out / f"figures/{name}.pdf", out / f"figures/{name}.png")
    page = evaluation_page(judged, tables, {name: out / f"figures/{name}.png" for name in drawings}, inputs)
    write_text(out / "report.html", page)
    return out / "report.html"


def _tables(judged: Judgement) -> Iterator[tuple[str, Table]]:
    from pedrank.report import maker

    yield "table1", maker("table", "table1")(judged.summary)
    yield "selection", maker("table", "selection")(judged.summary)
    if len(judged.differences):
        yield "differences", maker("table", "differences")(judged.differences)
    if len(judged.sub_hubs):
        yield "sub-hubs", maker("table", "sub-hub-table")(judged.summary, judged.sub_hubs)
    yield "ground-truth", maker("table", "accuracies")(judged.ground_truth)


def _means(judged: Judgement) -> list[str]:
    """One line per method: the means over datasets, or the values on the only dataset."""
    from pedrank.report import text
    from pedrank.utils.columns import align

    shown = judged.summary[judged.summary["dataset"] == judged.summary["dataset"].iloc[-1]]
    head = ["method", f"{text.TAU}_w", "95 % interval", "p", "regret at 1", "at 2", "at 3", "fidelity"]
    rows = [
        [
            text.method(row["metric"], row["refinement"]),
            text.tau(row["tau_w"]),
            text.interval(row["ci_low"], row["ci_high"]),
            text.p(row["p_value"]).removeprefix("p ").removeprefix("= ").replace("undefined", text.UNDEFINED),
            *(text.points(row[f"regret_{k}"]) for k in (1, 2, 3)),
            text.tau(row["fidelity"]),
        ]
        for _, row in shown.iterrows()
    ]
    return align([head, *rows], left=(0,))
