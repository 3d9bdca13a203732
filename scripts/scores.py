"""Collect one dataset's scores and their costs into two tables."""

import argparse
from itertools import product
from pathlib import Path

import pandas as pd

from pedrank.artefacts import read_json, write_csv
from pedrank.command import run
from pedrank.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, type=Path, help="the study's folder")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--metrics", required=True, nargs="+")
    parser.add_argument("--refinements", required=True, nargs="+")
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--scores", required=True, type=Path)
    parser.add_argument("--seconds", required=True, type=Path)
    arguments = parser.parse_args()
    scores, seconds, labels = [], [], {}
    for metric, refinement, checkpoint in product(arguments.metrics, arguments.refinements, arguments.checkpoints):
        stem = arguments.results / "scores" / metric / refinement / arguments.dataset / checkpoint
        row = {"dataset": arguments.dataset, "checkpoint": checkpoint, "metric": metric, "refinement": refinement}
        score = read_json(f"{stem}.json")
        labels.setdefault(score["labels"], f"{stem}.json")
        if len(labels) > 1:
            one, other = labels.values()
            raise InputError(f"{other}: scored on other labels than {one}; extract the features of both again")
        scores.append(row | {"score": score["score"], "rank_score": score["rank_score"]})
        cost = read_json(f"{stem}.seconds.json")
        if refinement != "none":
            ped = arguments.results / "ped" / arguments.dataset / checkpoint / f"{refinement}.seconds.json"
            cost["refinement_seconds"] = read_json(ped)["seconds"]
        seconds.append(row | cost)
    write_csv(arguments.scores, pd.DataFrame(scores))
    write_csv(arguments.seconds, pd.DataFrame(seconds))


run(main)
