"""Collect one dataset's scores, or what they cost, into a table."""

import argparse
from functools import cache
from pathlib import Path

import pandas as pd

from pedrank.formats.yaml_file import read_yaml
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, read_json, write_csv
from pedrank.store.timing import MEASURED
from pedrank.study.names import fill, names, paths
from pedrank.utils.errors import InputError

_read_once = cache(read_json)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    add_study(parser)
    parser.add_argument("--scores", help=f"{PATTERN}: records of scores; without {{refinement}}, all in one file")
    parser.add_argument("--seconds", help=f"{PATTERN}: records of what scores cost")
    parser.add_argument("--refinement-seconds", help=f"{PATTERN}: what each refinement cost")
    parser.add_argument("--tables", help=f"{PATTERN}: tables that are put one below the other")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    if arguments.tables:
        table = pd.concat(map(read_csv, paths([arguments.tables], arguments.study)))
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
    """Each row with its score; InputError where two checkpoints were scored on other labels."""
    found, labels = [], {}
    for row in rows:
        path, record = read(pattern, row)
        labels.setdefault(record["labels"], path)
        if len(labels) > 1:
            one, other = labels.values()
            raise InputError(f"{other}: scored on other labels than {one}; extract the features of both again")
        found.append(row | {"score": record["score"], "rank_score": record["rank_score"]})
    return found


def seconds(arguments: argparse.Namespace, rows: list[dict[str, str]]) -> list[dict]:
    """Each row with what it cost, and what its refinement cost."""
    found = []
    for row in rows:
        cost = dict(read(arguments.seconds, row)[1])
        if row["refinement"] != "none":
            cost["refinement_seconds"] = _read_once(fill(arguments.refinement_seconds, row))["seconds"]
        found.append(row | cost)
    return found


def read(pattern: str, row: dict[str, str]) -> tuple[str, dict]:
    """The file of a row's record, and the record."""
    path = fill(pattern, row)
    content = _read_once(path)
    return path, content if "{refinement}" in pattern else content[row["metric"]][row["refinement"]]


run(main)
