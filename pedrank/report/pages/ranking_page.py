"""The report of a study without ground truth: the answer first, then the scores behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pedrank.formats.yaml_file import read_yaml
from pedrank.report.model_card import prediction_program, timm_command, trainer_program
from pedrank.report.pages import page
from pedrank.report.pages.page import Section
from pedrank.report.pages.provenance_section import made_here
from pedrank.report.sentences.reference_caveats import reference_caveats
from pedrank.report.tables.confirmation_table import confirmation_table
from pedrank.report.tables.ranking_table import ranking_table
from pedrank.store.artefacts import read_csv, read_json

_WHAT = {
    "combination": "published accuracies on other datasets (the prior) and by transferability metrics, which score the "
    "checkpoints' features and use no accuracies",
    "metric": "a transferability metric, which scores the checkpoints' features and uses no accuracies",
}
_STABILITY = (
    "The horizontal axis is the metric's score of each checkpoint minus the best score, on random halves of the "
    "{items} (dots) and on all {items} (bars). A checkpoint with dots at 0 has the highest score on some of the halves."
)
_FRONT = (
    "The vertical axis is the value that orders checkpoints by prior and features together, in standard deviations. "
    "Only its order is evidence: its distances are not points of accuracy. On the dashed line, the Pareto front, no "
    "other checkpoint is as good and as cheap."
)


def ranking_page(results: Path) -> str:
    """Make the report of a finished study without ground truth.

    Args:
        results: The study's folder.

    Returns:
        The page as HTML; it needs no other file.

    Raises:
        InputError: A file of the study is missing or damaged.
    """
    config = read_yaml(results / "config.yaml")
    rankings = {name: read_json(results / f"ranking/{name}.json") for name in config["datasets"]}
    confirmations = {}
    if "confirm" in config["ground_truth"]:
        confirmations = {name: read_json(results / f"confirm/{name}.json") for name in config["datasets"]}

    kept = config["datasets"] if config["ground_truth"].get("keep") and confirmations else []

    def sections() -> Iterator[Section]:
        for name, found in rankings.items():
            numbers = read_csv(results / f"ranking/{name}.csv")
            items = found["items"]
            figure = page.figure_section(
                results / f"ranking/{name}.stability.png",
                _STABILITY.format(items=items),
                f"scores of {name} on halves of the {items}",
            )
            of_cost = [
                row for row in found["checkpoints"] if row["same_as"] is None and row["params_millions"] is not None
            ]
            if len(of_cost) > 1:
                front = results / f"ranking/{name}.front.png"
                figure += page.figure_section(front, _FRONT, f"expected accuracy against cost on {name}")
            yield Section(f"ranking-{name}", name, page.table_section(ranking_table(found, numbers)) + figure)
        for name, found in confirmations.items():
            body = page.bullets(map(page.prose, found["sentences"])) + page.table_section(confirmation_table(found))
            yield Section(f"confirm-{name}", f"{name}, fine-tuned", body)
        for name in kept:
            facts = read_json(results / f"winner/{name}/kept.json")
            body = page.bullets(map(page.prose, [*facts["sentences"], f"The files are in winner/{name}/."]))
            body += page.folded("Program that predicts with these weights", prediction_program(facts))
            if not facts["several_labels"]:
                body += page.folded("Train elsewhere: timm's train script", timm_command(facts))
            body += page.folded("Train elsewhere: Hugging Face's Trainer", trainer_program(facts))
            yield Section(f"winner-{name}", f"{name}, weights", body)
        yield Section("warnings", "Warnings", page.bullets(map(page.prose, warnings(config, rankings))))
        files = ["config.yaml", *(f"ranking/{name}.{suffix}" for name in rankings for suffix in ("csv", "json"))]
        yield Section("run", "How this report was made", made_here(results, files))

    answers = [
        page.answer(f"{name}:", " ".join(confirmations.get(name, found)["sentences"][:3]))
        for name, found in rankings.items()
    ]
    about = f"{len(config['checkpoints'])} pre-trained checkpoints are ranked by {_WHAT[config['ranking']['by']]}. " + (
        "Only the top checkpoints were fine-tuned." if confirmations else "Nothing was fine-tuned."
    )
    about += f" {config['ranking']['chosen']}" if "chosen" in config["ranking"] else ""
    title = f"Which checkpoint should I fine-tune? {config['study']}"
    return page.page(title, page.paragraph(about) + page.bullets(answers), sections())


def warnings(config: Mapping[str, Any], rankings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List the warnings that a reader needs before trusting the rankings.

    Args:
        config: The study's configuration.
        rankings: The JSON file of scripts/ranking.py for each dataset, by its name.

    Returns:
        Sentences in plain text.
    """
    found = [rankings[name]["sentences"][-1] for name in config["datasets"][:1]]
    if config["ranking"]["refinement"] != "none":
        found += reference_caveats(config)
    for name, ranking in rankings.items():
        found += [f"{name}: {note}" for note in ranking["notes"]]
    return found
