"""Compare the cheaper fine-tuning protocols with the full one, on the quickstart's data: cost, choices, rankings.

Needs a finished quickstart. Runs the paper's grid of 16 points and five seeds for 12 tiny checkpoints, in full and by
successive halving. Early stopping is replayed on the runs of both. Writes docs/ground-truth/cheaper-STEPS.csv. Three
datasets at the quickstart's 32 steps take about 25 minutes on one processor core.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pedrank.evaluation.correlation import weighted_tau
from pedrank.finetune.all_runs import run_seed, search
from pedrank.finetune.grid_search import chosen, chosen_point, open_seeds
from pedrank.finetune.protocol import Point, Protocol, point_name, protocol
from pedrank.finetune.run import Pair, pair, point
from pedrank.store.artefacts import read_csv, write_csv

OUT = Path(__file__).resolve().parent.parent / "docs/ground-truth"
DATASETS = ("digits", "fashion-mnist", "mnist")
GRID = {"learning_rates": [1e-1, 1e-2, 1e-3, 1e-4], "weight_decays": [1e-6, 1e-5, 1e-4, 1e-3], "seeds": 5}
HALVINGS = (2, 4)
FEWER = "full, two seeds"


def tested(pair: Pair, folder: Path, full: Protocol, at: Point) -> list[float]:
    """Test accuracies of all seeds at the point `at` of the grid."""
    return [
        run_seed(pair, folder / point_name(at) / f"test-seed{seed}.json", full.training, at, seed)["accuracy"]
        for seed in full.seeds
    ]


def replayed(accuracies: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """By checkpoint, the test accuracies of the seeds that early stopping would have run."""
    kept: dict[str, list[float]] = {name: [] for name in accuracies}
    for number in range(GRID["seeds"]):
        for name in open_seeds(kept, number):
            kept[name].append(accuracies[name][number])
    return kept


def compare(dataset: str, results: Path, folder: Path, budget: Mapping[str, int], only: Sequence[str]) -> list[dict]:
    """One row per protocol: its cost and how its choice and ranking differ from the full one's."""
    full = protocol(GRID | budget)
    scores = read_csv(results / f"quickstart/scores/{dataset}.csv")
    names = [name for name in dict.fromkeys(scores["checkpoint"]) if not only or name in only]
    images = results / f"data/{dataset}/images-24.safetensors"
    pairs = {name: pair(images, results / f"checkpoints/{name}.safetensors") for name in names}
    folders = {name: folder / dataset / name for name in names}
    whole = {name: search(pairs[name], folders[name], full)[0] for name in names}
    judged = {name: {point(record): record["accuracy"] for record in records} for name, records in whole.items()}
    accuracies, steps = {}, {}
    plans = {f"halving {k}": protocol(GRID | budget | {"halving": k}) for k in HALVINGS}
    points = {"full": {name: chosen_point(chosen(records)) for name, records in whole.items()}}
    seeds = len(full.seeds) * full.training["steps"]
    steps["full"] = len(names) * (len(full.points) * full.training["steps"] + seeds)
    for label, plan in plans.items():
        found = {name: search(pairs[name], folders[name], plan) for name in names}
        points[label] = {name: chosen_point(chosen(finalists)) for name, (_, finalists) in found.items()}
        searched = sum(record["options"]["steps"] for records, _ in found.values() for record in records)
        steps[label] = searched + len(names) * seeds
    for label, chosen_points in points.items():
        accuracies[label] = {name: tested(pairs[name], folders[name], full, at) for name, at in chosen_points.items()}
    for label in list(accuracies):
        kept = replayed(accuracies[label])
        spared = sum(len(full.seeds) - len(values) for values in kept.values())
        accuracies[f"{label}, early stopping"] = kept
        points[f"{label}, early stopping"] = points[label]
        steps[f"{label}, early stopping"] = steps[label] - spared * full.training["steps"]
    # For comparison: the change that comes from fewer seeds alone.
    points[FEWER], accuracies[FEWER] = points["full"], {name: found[:2] for name, found in accuracies["full"].items()}
    steps[FEWER] = steps["full"] - (len(full.seeds) - 2) * len(names) * full.training["steps"]
    return [
        row(dataset, label, names, judged, points, accuracies, scores) | {"saved": 1 - steps[label] / steps["full"]}
        for label in accuracies
    ]


def row(dataset, label, names, judged, points, accuracies, scores) -> dict:
    mean, full = ({name: np.mean(accuracies[which][name]) for name in names} for which in (label, "full"))
    same = [points[label][name] == points["full"][name] for name in names]
    same_rate = [points[label][name][0] == points["full"][name][0] for name in names]
    lost = [judged[name][points["full"][name]] - judged[name][points[label][name]] for name in names]
    changes = []
    for _, group in scores.groupby(["metric", "refinement"]):
        values = group.set_index("checkpoint")["rank_score"][names].to_numpy()
        taus = [weighted_tau(values, np.array([truth[name] for name in names])) for truth in (mean, full)]
        changes.append(taus[0] - taus[1])
    return {
        "dataset": dataset,
        "protocol": label,
        "checkpoints": len(names),
        "same_point": np.mean(same),
        "same_learning_rate": np.mean(same_rate),
        "validation_lost": np.mean(lost),
        "tau_w_to_full": weighted_tau(np.array(list(mean.values())), np.array(list(full.values()))),
        "tau_w_change_mean": np.mean(np.abs(changes)),
        "tau_w_change_largest": np.max(np.abs(changes)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="of a finished quickstart")
    parser.add_argument("--folder", required=True, type=Path, help="for the runs; finished ones are reused")
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--checkpoints", nargs="*", default=[], help="all where none is named")
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    budget = {"steps": arguments.steps, "batch_size": 32}
    folder = arguments.folder / str(arguments.steps)
    rows = [
        row
        for dataset in arguments.datasets
        for row in compare(dataset, arguments.results, folder, budget, arguments.checkpoints)
    ]
    frame = pd.DataFrame(rows)
    write_csv(OUT / f"cheaper-{arguments.steps}.csv", frame)
    means = frame.drop(columns=["dataset", "checkpoints"]).groupby("protocol", sort=False).mean()
    print(means.round(3).to_string())


if __name__ == "__main__":
    main()
