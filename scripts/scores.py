"""Collect one dataset's scores and their costs into two tables."""

import argparse
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from pedrank.runtime.command import run
from pedrank.store.artefacts import read_json, write_csv
from pedrank.utils.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, type=Path, help="the study's folder")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--metrics", required=True, nargs="+")
    parser.add_argument("--refinements", required=True, nargs="+")
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--together", action="store_true", help="one file for all scores of a checkpoint")
    parser.add_argument("--scores", required=True, type=Path)
    parser.add_argument("--seconds", required=True, type=Path)
    arguments = parser.parse_args()
    scores, seconds, labels = [], [], {}
    read = from_pair if arguments.together else from_score
    for metric, refinement, checkpoint in product(arguments.metrics, arguments.refinements, arguments.checkpoints):
        row = {"dataset": arguments.dataset, "checkpoint": checkpoint, "metric": metric, "refinement": refinement}
        path, score, cost = read(arguments.results, **row)
        labels.setdefault(score["labels"], path)
        if len(labels) > 1:
            one, other = labels.values()
            raise InputError(f"{other}: scored on other labels than {one}; extract the features of both again")
        scores.append(row | {"score": score["score"], "rank_score": score["rank_score"]})
        if refinement != "none":
            ped = arguments.results / "ped" / arguments.dataset / checkpoint / f"{refinement}.seconds.json"
            cost["refinement_seconds"] = read_json(ped)["seconds"]
        seconds.append(row | cost)
    write_csv(arguments.scores, pd.DataFrame(scores))
    write_csv(arguments.seconds, pd.DataFrame(seconds))


def from_score(results: Path, dataset: str, checkpoint: str, metric: str, refinement: str) -> tuple[Path, Any, Any]:
    """The file of one score, what it holds, and what it cost."""
    folder = results / "scores" / metric / refinement / dataset
    path = folder / f"{checkpoint}.json"
    return path, read_json(path), read_json(folder / f"{checkpoint}.seconds.json")


def from_pair(results: Path, dataset: str, checkpoint: str, metric: str, refinement: str) -> tuple[Path, Any, Any]:
    """The same from the files of all scores of a pair."""
    paths = [results / what / dataset / f"{checkpoint}.json" for what in ("scores", "seconds")]
    return paths[0], *(_read_once(path)[metric][refinement] for path in paths)


_read_once = cache(read_json)

run(main)
