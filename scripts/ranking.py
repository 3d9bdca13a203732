"""Rank the checkpoints of one dataset, and measure how far metrics and other images agree with the ranking."""

import argparse
import json
from pathlib import Path

from pedrank.catalogue.catalogue import catalogue
from pedrank.ranking import ranking
from pedrank.ranking.from_scores import rank_scores
from pedrank.ranking.recorded import of_study
from pedrank.ranking.twins import with_twins
from pedrank.report.figures.ranking_figures import save_ranking_figures
from pedrank.report.sentences.image_notes import image_notes
from pedrank.report.sentences.ranking_notes import ranking_notes
from pedrank.report.sentences.ranking_sentences import ranking_sentences
from pedrank.report.tables.ranking_table import ranking_table
from pedrank.report.tables.write import write_table
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_arrays, read_csv, read_metadata, write_json
from pedrank.study.names import files, paths
from pedrank.study.plugins import load_plugins
from pedrank.study.tables import read_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--notes", required=True, type=json.loads, help="sentences about the images, a JSON list")
    parser.add_argument("--scores", required=True, nargs="+")
    parser.add_argument("--seconds", required=True, nargs="+")
    parser.add_argument("--halves", required=True, help=f"{PATTERN}: scores on halves")
    parser.add_argument("--features", required=True, type=Path, help="features of one checkpoint, for their labels")
    parser.add_argument("--references", nargs="*", default=[], type=Path, help="reference statistics, for their notes")
    parser.add_argument("--weights", nargs="*", default=[], type=Path, help="converted weights, for their notes")
    add_study(parser)
    parser.add_argument("--published", required=True, type=Path, help="the paper's Table 1")
    parser.add_argument("--record", type=Path, help="accuracies of the user's own on other datasets")
    parser.add_argument("--networks", default="", help=f"with --record, {PATTERN}: converted checkpoints")
    parser.add_argument("--images", nargs="*", default=[], type=Path, help="with --record: prepared images")
    parser.add_argument("--by", required=True, choices=[ranking.COMBINATION, ranking.METRIC])
    parser.add_argument("--metric", required=True, help="metric that ranks, or that scores the halves")
    parser.add_argument("--refinement", required=True, help="refinement before ranking, or none")
    parser.add_argument("--tables", required=True, nargs="+", type=Path, help="one path per format, by its suffix")
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--figure", required=True, nargs="+", type=Path, help="PDF, PNG; two more if costs are known")
    arguments = parser.parse_args()
    load_plugins(arguments.study)
    by, metric, refinement = arguments.by, arguments.metric, arguments.refinement
    given = (arguments.scores, arguments.seconds, [arguments.halves])
    scores, seconds, halves = (read_tables(each, arguments.study) for each in given)
    entries = {name: catalogue("checkpoints")[name] for name in halves["checkpoint"].unique()}
    networks = {names["checkpoint"]: path for names, path in files(arguments.networks, arguments.study) if names}
    recorded = of_study(arguments.record, arguments.dataset, arguments.images, networks)
    labels, paper = read_arrays(arguments.features, "labels")["labels"], read_csv(arguments.published)
    table, halves, same, found = rank_scores(
        scores, seconds, halves, entries, arguments.dataset, labels, paper, metric, refinement, by, recorded
    )
    made_from = [*arguments.scores, *paths([arguments.halves], arguments.study), arguments.published]
    made_from += [arguments.record] if arguments.record else []
    found["made_by"] = provenance({"by": by, "metric": metric, "refinement": refinement}, made_from)
    of_references = [f"Reference images: {note}" for path in arguments.references for note in image_notes(path)]
    of_weights = [f"{path.stem}: {note}" for path in arguments.weights for note in read_metadata(path).get("notes", [])]
    of_data = [*arguments.notes, *image_notes(arguments.features), *of_references]
    found["notes"] = [*of_data, *of_weights, *ranking_notes(found)]
    found["sentences"] = ranking_sentences(found)
    write_table(ranking_table(found, with_twins(table, same)), arguments.tables)
    save_ranking_figures(arguments.figure, table, halves, found)
    write_json(arguments.json, found)


run(main)
