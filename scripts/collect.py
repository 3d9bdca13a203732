"""Collect the scores of one dataset, or their seconds, into a table."""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.formats.yaml_file import read_yaml
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_csv
from pedrank.store.timing import MEASURED
from pedrank.study.names import fill, names
from pedrank.study.score_files import read_once, read_record
from pedrank.study.tables import read_tables
from pedrank.utils.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    add_study(parser)
    parser.add_argument("--scores", help=f"{PATTERN}: records of scores; without {{refinement}}, one file for all")
    parser.add_argument("--seconds", help=f"{PATTERN}: records of the scores' seconds")
    parser.add_argument("--refinement-seconds", help=f"{PATTERN}: records of the refinements' seconds")
    parser.add_argument("--tables", help=f"{PATTERN}: tables to concatenate")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    if arguments.tables:
        table = read_tables([arguments.tables], arguments.study)
    else:
        config = read_yaml(arguments.study)
        rows = [
            {"dataset": arguments.dataset, "checkpoint": checkpoint, "metric": metric, "refinement": refinement}
            for metric in names(config, "metric")
            for refinement in names(config, "refinement")
            for checkpoint in names(config, "checkpoint")
        ]
        table = pd.DataFrame(scores(arguments.scores, rows) if arguments.scores else seconds(arguments, rows))
    write_csv(arguments.out, table.drop(columns=MEASURED, errors="ignore"))


def scores(pattern: str, rows: list[dict[str, str]]) -> list[dict]:
    """Add its score to each row; InputError if checkpoints were scored on different labels."""
    found, labels = [], {}
    for row in rows:
        path, record = read_record(pattern, row)
        labels.setdefault(record["labels"], path)
        if len(labels) > 1:
            one, other = labels.values()
            raise InputError(
                f"{other}: the labels differ from those of {one}; delete the features of both and run again"
            )
        found.append(row | {key: record[key] for key in ("score", "rank_score", "undefined") if key in record})
    return found


def seconds(arguments: argparse.Namespace, rows: list[dict[str, str]]) -> list[dict]:
    """Add its seconds, and those of its refinement, to each row."""
    found = []
    for row in rows:
        cost = dict(read_record(arguments.seconds, row)[1])
        if row["refinement"] != "none":
            cost["refinement_seconds"] = read_once(fill(arguments.refinement_seconds, row))["seconds"]
        found.append(row | cost)
    return found


run(main)
