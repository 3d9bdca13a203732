"""The page of `pedrank evaluate`: the outcome first, then warnings, tables, figures and how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from markupsafe import Markup

from pedrank.evaluation.judge import Judgement
from pedrank.report import text
from pedrank.report.pages import page
from pedrank.report.pages.page import Section
from pedrank.report.pages.provenance_section import versions
from pedrank.report.sentences.caveats import caveats
from pedrank.report.sentences.evaluation_sentences import evaluation_sentences
from pedrank.report.tables.ranks import ranks
from pedrank.report.tables.table import Table

_FIGURES = {
    "taus": f"{text.TAU}_w of each method, with its 95 % interval over checkpoints. Methods with an interval in the "
    "grey band rank no better than chance.",
    "critical-difference": "Mean ranks of the methods over datasets (1 = highest). A bar joins methods that do not "
    "differ significantly, by Friedman's and Nemenyi's tests.",
    "agreement": f"{text.TAU}_w between the rankings of each pair of methods. The first row compares them with the "
    "accuracies.",
}


def evaluation_page(
    judged: Judgement, tables: Mapping[str, Table], figures: Mapping[str, Path], inputs: Mapping[str, str]
) -> str:
    """Make the page.

    Args:
        judged: The evaluation.
        tables: Its printed tables, by the anchor of their section.
        figures: PNG files of its figures, by the figure's name.
        inputs: SHA-256 of each input file, by its path.

    Returns:
        The page as HTML; it needs no other file.
    """

    def sections() -> Iterator[Section]:
        doubts = [*judged.notes, *caveats(judged.summary, judged.scores, judged.ground_truth, [])]
        yield Section("warnings", "Warnings", page.bullets(map(page.prose, doubts)))
        for anchor, table in tables.items():
            yield Section(anchor, table.name, page.table_section(table))
        drawn = [
            page.figure_section(
                png, page.prose(_FIGURES[name]), f"figure {name}; its numbers are in figures/{name}.csv"
            )
            for name, png in figures.items()
        ]
        yield Section("figures", "Figures", Markup("\n").join(drawn))
        for dataset in dict.fromkeys(judged.ground_truth["dataset"]):
            of_dataset = ranks(judged.scores, judged.ground_truth, dataset)
            yield Section(f"dataset-{dataset}", dataset, page.table_section(of_dataset))
        yield Section(
            "run",
            "How this page was made",
            page.paragraph("Versions, and SHA-256 hashes of the input files:")
            + page.pairs([*versions().items(), *inputs.items()]),
        )

    about = (
        f"Scores of others, judged by the functions and rules of pedrank's own studies. {text.TAU}_w, the weighted "
        f"Kendall {text.TAU}, measures how well a ranking agrees with the accuracies: 1 is perfect, 0 is chance. "
        "Regret is the accuracy lost, in percentage points, if only the checkpoints ranked first are fine-tuned."
    )
    outcome = evaluation_sentences(judged.summary, judged.differences)
    return page.page(
        "How well do these scores rank checkpoints?",
        page.paragraph(about) + page.bullets(map(page.prose, outcome)),
        sections(),
    )
