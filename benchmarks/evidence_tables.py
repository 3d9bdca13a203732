"""Write a finished study's accuracies, seeds, scores and costs as the tables of pedrank/evidence/.

The study has `ground_truth: {source: finetune}`. Tables are sorted, and numbers have ten significant digits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from pedrank.ranking.evidence_hub import method_names
from pedrank.ranking.shipped_hubs import EVIDENCE
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv

PAIR = ["dataset", "checkpoint"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, type=Path, help="the study's folder, such as results/evidence")
    parser.add_argument("--out", default=EVIDENCE, type=Path)
    arguments = parser.parse_args()
    for name, table in tables(arguments.results).items():
        write_csv(arguments.out / f"{arguments.results.name}-{name}.csv", table)


def tables(results: Path) -> dict[str, pd.DataFrame]:
    """The four tables by name.

    Args:
        results: The study's folder.
    """
    scores = read_csv(results / "per-checkpoint.csv")
    scores["method"] = method_names(scores)
    keys = ["dataset", "metric", "refinement"]
    costs = scores.groupby(keys, sort=False).agg(seconds=("seconds", "median"), n=("n", "first"), c=("c", "first"))
    wide = scores.pivot(index=[*PAIR, "d"], columns="method", values="rank_score")
    # The mean Bhattacharyya coefficient of two classes; GBC is minus its sum over ordered pairs.
    gbc = scores[scores["method"] == "gbc"].set_index([*PAIR, "d"])
    overlap = -gbc["score"] / (gbc["c"] * (gbc["c"] - 1))
    methods = list(dict.fromkeys(scores["method"]))
    wide = wide.assign(class_overlap=overlap)[["class_overlap", *methods]]
    return {
        "accuracy": by_dataset(results, "ground_truth/{}.csv")[[*PAIR, "accuracy", "sd", "seeds"]],
        "seeds": seeds(results),
        "scores": rounded(wide.reset_index()),
        "costs": rounded(costs.reset_index()),
    }


def seeds(results: Path) -> pd.DataFrame:
    """The test runs of fine-tuning with the seconds of each, and those of the search of the learning rate."""
    runs = by_dataset(results, "finetune/{}.csv")
    seconds = by_dataset(results, "finetune/{}.seconds.csv")
    run_keys = [*PAIR, "stage", "learning_rate", "weight_decay", "steps", "seed"]
    joined = runs.merge(seconds, on=run_keys, how="left", validate="one_to_one")
    return joined[[*PAIR, "stage", "learning_rate", "seed", "accuracy", "seconds"]].pipe(rounded)


def by_dataset(results: Path, pattern: str) -> pd.DataFrame:
    """One table of the files of all datasets, with a column for the dataset."""
    names = sorted(path.stem for path in (results / "ground_truth").glob("*.csv"))
    parts = [read_csv(results / pattern.format(name)).assign(dataset=name) for name in names]
    return rounded(pd.concat(parts).sort_values(PAIR, kind="stable", ignore_index=True))


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Floats with ten significant digits."""
    floats = table.select_dtypes("float").columns
    return table.assign(**{name: table[name].map(lambda value: float(f"{value:.10g}")) for name in floats})


run(main)
