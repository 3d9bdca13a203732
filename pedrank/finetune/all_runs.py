"""All runs of a dataset, one after the other in one process. In the workflow, each run can also be a job.

A finished run is a JSON file in its checkpoint's folder and is reused next time. A killed study loses at most the last
three minutes of one run.
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
    """All runs of some checkpoints on one dataset: the grid on validation, then the best point on test, seed by seed.

    Args:
        pairs: The dataset with each checkpoint.
        folder: Where runs are kept, in a folder per checkpoint.
        protocol: Grid, seeds, and how to train.

    Returns:
        By checkpoint, the records of its runs.
    """
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
    """The validation runs of one pair, by the whole grid or by successive halving.

    Args:
        pair: One checkpoint on one dataset.
        folder: Where its runs are kept.
        protocol: Grid, halving, and how to train.

    Returns:
        The records of all runs, and those to choose the grid point from: all of the grid, or the last round of halving.
    """
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
    """The record of one grid point: trained on the training images, tested on the validation images.

    Args:
        pair: One checkpoint on one dataset.
        path: The run's JSON file.
        training: The fields of `Options` that all runs share.
        at: Learning rate and weight decay.
        steps: Steps of training, if not those of `training`.
    """
    options = Options(*at, **training)
    return run(pair, path, "validation", options if steps is None else replace(options, steps=steps), GRID_SEED)


def run_seed(pair: Pair, path: Path, training: Mapping[str, Any], at: Point, seed: int) -> dict[str, Any]:
    """The record of one seed of the chosen point: trained on training and validation images, tested on the test images.

    Args:
        pair: One checkpoint on one dataset.
        path: The run's JSON file.
        training: The fields of `Options` that all runs share.
        at: Learning rate and weight decay.
        seed: Seed of head, order, crops and dropout.
    """
    return run(pair, path, "test", Options(*at, **training), seed)
