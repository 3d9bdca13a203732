"""All runs of a dataset, one after the other in one process; the workflow's jobs do the same one by one.

A finished run is a JSON file in the folder of its checkpoint and is taken from there the next time, so that a killed
study loses one run at most, and of that one no more than three minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pedrank.finetune.grid_search import best, chosen, chosen_point, open_seeds, rounds
from pedrank.finetune.protocol import Options, Point, Protocol, point_name
from pedrank.finetune.run import Pair, point, run

GRID_SEED = 0


def run_dataset(pairs: Sequence[Pair], folder: Path, protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """By checkpoint, the records of all its runs: the grid on validation, then its best point on test, seed by seed."""
    records, points = {}, {}
    for pair in pairs:
        records[pair.checkpoint], finalists = search(pair, folder / pair.checkpoint, protocol)
        points[pair.checkpoint] = chosen_point(chosen(finalists))
    tested: dict[str, list[float]] = {pair.checkpoint: [] for pair in pairs}
    for number, seed in enumerate(protocol.seeds):
        still_open = open_seeds(tested, number) if protocol.early_stopping else list(tested)
        for pair in pairs:
            name = pair.checkpoint
            if name in still_open:
                record = run_seed(pair, folder / name / f"test-seed{seed}.json", protocol.training, points[name], seed)
                records[name].append(record)
                tested[name].append(record["accuracy"])
    return records


def search(pair: Pair, folder: Path, protocol: Protocol) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The validation runs of one pair, and those of them to choose from: all of the grid, or halving's last round."""
    left: Sequence[Point] = protocol.points
    if protocol.halving is None or len(left) == 1:
        paths = {at: folder / f"validation-{point_name(at)}.json" for at in left}
        records = [run_point(pair, paths[at], protocol.training, at) for at in left]
        return records, records
    records = []
    for steps, keep in rounds(len(left), protocol.halving, protocol.training["steps"]):
        paths = {at: folder / f"validation-{point_name(at)}-steps{steps}.json" for at in left}
        finalists = [run_point(pair, paths[at], protocol.training, at, steps) for at in left]
        left = [point(record) for record in best(finalists, keep)]
        records += finalists
    return records, finalists


def run_point(
    pair: Pair, path: Path, training: Mapping[str, Any], at: Point, steps: int | None = None
) -> dict[str, Any]:
    """One point of the grid, trained on the training images and judged on the validation images."""
    options = Options(*at, **training)
    return run(pair, path, "validation", options if steps is None else replace(options, steps=steps), GRID_SEED)


def run_seed(pair: Pair, path: Path, training: Mapping[str, Any], at: Point, seed: int) -> dict[str, Any]:
    """The chosen point, trained on training and validation images and judged on the test images."""
    return run(pair, path, "test", Options(*at, **training), seed)
