"""Rank the checkpoints of one dataset by one metric, and measure how far other metrics and other images agree."""

import argparse
import json
from pathlib import Path

import numpy as np

from pedrank.ranking import ranking
from pedrank.ranking.halves import halves as drawn_halves
from pedrank.report import text
from pedrank.report.figures.stability import draw_stability
from pedrank.report.figures.style import save_figure
from pedrank.report.sentences.ranking_notes import ranking_notes
from pedrank.report.sentences.ranking_sentences import headline, how_sure, worth
from pedrank.report.tables.ranking_table import ranking_table
from pedrank.report.tables.write import write_table
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_arrays, read_csv, write_json
from pedrank.study.names import paths
from pedrank.study.tables import read_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--notes", required=True, type=json.loads, help="sentences about the images, a JSON list")
    parser.add_argument("--scores", required=True, nargs="+")
    parser.add_argument("--seconds", required=True, nargs="+")
    parser.add_argument("--halves", required=True, help=f"{PATTERN}: scores on halves")
    parser.add_argument("--features", required=True, type=Path, help="features of one checkpoint, for their labels")
    add_study(parser)
    parser.add_argument("--published", required=True, type=Path, help="the paper's Table 1")
    parser.add_argument("--metric", required=True, help="metric that ranks")
    parser.add_argument("--refinement", required=True, help="refinement before ranking, or none")
    parser.add_argument(
        "--tables", required=True, nargs="+", type=Path, help="one path per format, chosen by its suffix"
    )
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--figure", required=True, nargs=2, type=Path, help="PDF and PNG")
    arguments = parser.parse_args()
    patterns = (arguments.scores, arguments.seconds, [arguments.halves])
    scores, seconds, halves = (read_tables(each, arguments.study) for each in patterns)
    metric, refinement = arguments.metric, arguments.refinement
    table = ranking.rank(scores, seconds, halves, metric, refinement)
    agreement = ranking.agreement(table, scores, metric)
    known = ranking.published(read_csv(arguments.published), metric, refinement)
    labels = np.asarray(read_arrays(arguments.features, "labels")["labels"])
    of_a_half = len(drawn_halves(labels, number=1)[0])
    made_from = [*arguments.scores, *paths([arguments.halves], arguments.study), arguments.published]
    found = {
        "dataset": arguments.dataset,
        "metric": metric,
        "refinement": refinement,
        "others": list(agreement),  # in the study's order
        "images": int(halves["images"].iloc[0]),
        "rows": int(seconds["n"].iloc[0]),  # an image of several classes has a row for each
        "classes": int(seconds["c"].iloc[0]),
        "class_sizes": np.bincount(labels).tolist(),
        "halves": int(halves["half"].nunique()),
        "images_of_a_half": of_a_half,
        "checkpoints": table.to_dict("records"),
        "agreement": agreement,
        "recommendation": ranking.recommendation(table, agreement, of_a_half),
        "undefined": ranking.undefined_scores(scores, metric, refinement),
        "unmoved": ranking.unmoved(scores, metric, refinement),
        "chance": ranking.chance(len(table)),
        "published": dict(zip(("mean", "least", "largest"), known, strict=True)) if known else None,
        "made_by": provenance({"metric": metric, "refinement": refinement}, made_from),
    }
    found["notes"] = arguments.notes + ranking_notes(found)
    found["sentences"] = [f"{headline(found)}.", how_sure(found), worth(found)]
    write_table(ranking_table(found, table), arguments.tables)
    save_figure(draw_stability(table, halves, text.method(metric, refinement)), *arguments.figure)
    write_json(arguments.json, found)


run(main)
