"""The report of a study with ground truth: answers, warnings, tables, figures, datasets, and how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from markupsafe import Markup

from pedrank.catalogue.catalogue import catalogue
from pedrank.formats.yaml_file import read_yaml
from pedrank.report import CROSS_DATASET_FIGURES, PAPER_FIGURES, text
from pedrank.report.pages import page
from pedrank.report.pages.caption import caption
from pedrank.report.pages.page import Section
from pedrank.report.pages.provenance_section import made_here
from pedrank.report.pages.trace_page import cell_link
from pedrank.report.sentences.absent_rows import absent_rows
from pedrank.report.sentences.caveats import caveats
from pedrank.report.sentences.reference_caveats import reference_caveats
from pedrank.report.sentences.verdict import headline, sentence, verdicts
from pedrank.report.tables.accuracies import accuracies
from pedrank.report.tables.ranks import ranks
from pedrank.report.tables.selection import selection
from pedrank.report.tables.table1 import table1
from pedrank.report.tables.table1_published import table1_published
from pedrank.report.tables.table2 import table2
from pedrank.store.artefacts import read_csv


def study_page(
    results: Path,
    captions: Path,
    published: Path | None = None,
    unknown: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Make the report of a finished study.

    Args:
        results: The study's folder.
        captions: The folder of the captions, one .rst for each table and figure.
        published: The published Table 1 as CSV, if the report compares the measured one with it.
        unknown: Checkpoints without a number, by row of published accuracies (`pedrank.ranking.prior_rows.unknown`).

    Returns:
        The page as HTML; it needs no other file.

    Raises:
        InputError: A file of the study is missing or damaged.
    """
    config = read_yaml(results / "config.yaml")
    summary = read_csv(results / "summary.csv")
    prior = any(not names for names in unknown.values())
    scores, seconds = _scores(results, config, "scores", prior), _scores(results, config, "seconds")
    truth = pd.concat([read_csv(results / f"ground_truth/{dataset}.csv") for dataset in config["datasets"]])

    def said(name: str) -> Markup:
        return caption(captions / f"{name}.rst", config)

    def drawn(name: str, explained_by: str) -> Markup:
        alternative = f"figure {name}; its numbers are in figures/{name}.csv"
        return page.figure_section(results / f"figures/{name}.png", said(explained_by), alternative)

    answers = verdicts(summary, scores, truth)
    zoos = {catalogue("checkpoints")[name]["zoo"] for name in config["checkpoints"]}
    known = [name for name, entry in catalogue("checkpoints").items() if entry["zoo"] in zoos]

    def sections() -> Iterator[Section]:
        absent = absent_rows(unknown, len(config["checkpoints"]))
        doubts = [*reference_caveats(config), *absent, *caveats(summary, scores, truth, known)]
        yield Section("warnings", "Warnings", page.bullets(map(page.prose, doubts)))
        yield Section("table1", "Table 1", page.table_section(table1(summary, cell_link), said("table1")))
        if published is not None:
            body = page.table_section(table1_published(summary, read_csv(published)), said("table1-published"))
            yield Section("published", "Published and measured", body)
        yield Section("selection", "Regret", page.table_section(selection(summary), said("selection")))
        yield Section("ground-truth", "Ground truth", page.table_section(accuracies(truth), said("ground-truth")))
        yield Section(
            "across", "Across datasets", Markup("\n").join(drawn(name, name) for name in CROSS_DATASET_FIGURES)
        )
        yield Section("figures", "Effect of PED", Markup("\n").join(drawn(name, name) for name in PAPER_FIGURES))
        yield Section("table2", "Table 2", page.table_section(table2(seconds), said("table2")))
        for _, answer in answers.iterrows():
            name = answer["dataset"]
            body = page.paragraph(_answer(answer, config)) + page.table_section(ranks(scores, truth, name))
            yield Section(f"dataset-{name}", name, body + drawn(f"scatter-{name}", "scatter"))
        yield Section("run", "How this report was made", _run(results, config))

    title = f"Which checkpoint should I fine-tune? Study {config['study']}"
    return page.page(title, _lead(config, answers), sections())


def _scores(results: Path, config: Mapping[str, Any], what: str, prior: bool = False) -> pd.DataFrame:
    """The study's `scores`, or their costs (`seconds`); the baselines come last, and then published accuracies."""
    folders = [results / what, *([results / what / "baselines"] if config["baselines"] else [])]
    folders += [results / what / "prior"] if prior else []
    return pd.concat(read_csv(folder / f"{dataset}.csv") for folder in folders for dataset in config["datasets"])


def _lead(config: Mapping[str, Any], answers: pd.DataFrame) -> Markup:
    source = {
        "finetune": "The accuracies after fine-tuning were measured here.",
        "published": "The accuracies after fine-tuning were published and were not measured here.",
        "file": f"The accuracies after fine-tuning are the user's own, from {config['ground_truth'].get('file')}.",
    }[config["ground_truth"]["source"]]
    about = (
        f"{_number(config, 'checkpoint')} are ranked on {_number(config, 'dataset')} by {_number(config, 'metric')}, "
        f"with and without PED (Potential Energy Decline, Li et al., ICCV 2023; {text.LAMDA} scales the radius of "
        f"each class; {text.LAMDA} by consensus is chosen from the scores alone, {text.LAMDA} by oracle with the "
        f"accuracies), and by baselines. {source} {text.TAU}_w, the weighted Kendall {text.TAU}, measures how well a "
        "ranking agrees with these accuracies: 1 is perfect, 0 is chance. Regret is the accuracy lost, in percentage "
        "points, if only the checkpoint ranked first is fine-tuned."
    )
    return page.paragraph(about) + page.bullets(_answer(answer, config) for _, answer in answers.iterrows())


def _number(config: Mapping[str, Any], what: str) -> str:
    """The number of the study's datasets, checkpoints or metrics, with the noun."""
    number = len(config[f"{what}s"])
    return f"{number} {what}{'s' * (number != 1)}"


def _answer(answer: pd.Series, config: Mapping[str, Any]) -> Markup:
    known = {"finetune": "measured", "published": "published", "file": "given"}[config["ground_truth"]["source"]]
    return page.answer(f"{headline(answer)}.", sentence(answer, known))


def _run(results: Path, config: Mapping[str, Any]) -> Markup:
    folders = product(("ground_truth", "scores"), config["datasets"])
    files = ["config.yaml", "summary.csv", *(f"{folder}/{name}.csv" for folder, name in folders)]
    return made_here(results, files, "; the machine used for the timings is given below Table 2")
