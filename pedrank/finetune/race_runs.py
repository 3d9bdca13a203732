"""The runs of a race for a budget (`pedrank.ranking.race`), one after the other in one process.

A finished run and the probes are JSON files that are reused next time, so an interrupted race continues where it was.
The time that counts is that of all runs, whenever they were computed: training as measured, and testing as a probe of
the network lets one expect it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pedrank.catalogue.catalogue import catalogue
from pedrank.catalogue.crop import crop_name
from pedrank.finetune.all_runs import run_seed, search
from pedrank.finetune.arguments import pairs
from pedrank.finetune.estimate import of_search
from pedrank.finetune.grid_search import chosen, chosen_point
from pedrank.finetune.probe import probe
from pedrank.finetune.protocol import Options, Point, Protocol, point_name
from pedrank.finetune.run import Pair, point
from pedrank.finetune.runs_table import run_name
from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.belief import Belief, ranking_belief, regret_left, seed_noise
from pedrank.ranking.race import Runs, Seconds, next_step, winner
from pedrank.store.artefacts import read_json, read_metadata, write_json
from pedrank.store.timing import timing_file
from pedrank.user_data.slug import slug
from pedrank.utils.errors import InputError


class Timed(NamedTuple):
    """A run: name of its file, record, and seconds of training."""

    name: str
    record: dict[str, Any]
    seconds: float


class Cost(NamedTuple):
    """Seconds of a network: training all steps of a run, testing one split, and the search of the learning rate."""

    training: float
    testing: float
    search: float


@dataclass
class Entrant:
    """The runs of one checkpoint so far."""

    searches: list[Timed] = field(default_factory=list)
    own: Point | None = None  # what its search has found
    first: list[Timed] = field(default_factory=list)  # with the learning rate of the first run
    again: list[Timed] = field(default_factory=list)  # with its own one, which it searched after the first run

    def runs(self) -> list[Timed]:
        """All runs once, those that no longer count with the stage "trial"."""
        replaced = [] if self.keeps_its_rate() else self.first
        trials = [run._replace(record={**run.record, "stage": "trial"}) for run in replaced]
        return [*self.searches, *trials, *(self.again or self.first)]

    def keeps_its_rate(self) -> bool:
        """Whether the learning rate of the first run is still the one that counts."""
        return not self.again or point(self.first[0].record) == self.own


def race(
    arguments: argparse.Namespace, plan: Protocol, checkpoints: Mapping[str, Path]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[str]], dict[str, Any]]:
    """Fine-tune the checkpoints of a ranking as far as a budget reaches.

    Args:
        arguments: As `pedrank.finetune.arguments.parser` reads them, with study, runs (a folder), ranking and budget.
            {crop} in images stands for the crop that a network sees.
        plan: Grid, seeds, and how to train.
        checkpoints: Converted checkpoints by name.

    Returns:
        By checkpoint, the records of its runs, and the names of their files; and the outcome, as from `run_race`.
    """
    size = read_yaml(arguments.study)["image_size"]
    entries = {name: catalogue("checkpoints")[name] for name in checkpoints}

    def pair_of(name: str) -> Pair:
        images = Path(str(arguments.images).replace("{crop}", crop_name(entries[name], size)))
        (pair,) = pairs(argparse.Namespace(**{**vars(arguments), "images": images}), checkpoints[name])
        return pair

    architectures = {name: str(read_metadata(path)["architecture"]) for name, path in checkpoints.items()}
    belief = ranking_belief(read_json(arguments.ranking))
    timed, outcome = run_race(pair_of, architectures, arguments.runs, plan, belief, arguments.budget)
    records = {name: [run.record for run in runs] for name, runs in timed.items()}
    return records, {name: [run.name for run in runs] for name, runs in timed.items()}, outcome


def run_race(
    pair_of: Callable[[str], Pair],
    architectures: Mapping[str, str],
    folder: Path,
    protocol: Protocol,
    belief: Belief,
    budget: float,
) -> tuple[dict[str, list[Timed]], dict[str, Any]]:
    """Fine-tune checkpoints as far as a budget reaches.

    Args:
        pair_of: Loads the dataset with a checkpoint.
        architectures: By checkpoint. Checkpoints with the same one share a probe, and the first learning rate.
        folder: Where runs are kept, in a folder per checkpoint.
        protocol: Grid, seeds, and how to train.
        belief: Before any run.
        budget: Seconds.

    Returns:
        By checkpoint, its runs: those of its search, and its tests. Runs that no longer count, since a search has then
        found another learning rate, have the stage "trial". And the outcome: winner, learning_rate, weight_decay,
        regret_left (points), noise (points over seeds), budget_seconds, spent_seconds, borrowed (checkpoints whose
        learning rate was not searched), untried (names).

    Raises:
        InputError: The budget is too short for one checkpoint.
    """
    costs = {name: _cost(pair_of, name, kind, folder, protocol) for name, kind in architectures.items()}
    entrants: dict[str, Entrant] = {}
    lent: dict[str, Point] = {}  # by architecture, what the first search has found
    while True:
        spent = sum(run.seconds + costs[name].testing for name, each in entrants.items() for run in each.runs())
        seconds = _seconds(belief.names, costs, architectures, entrants, lent)
        step = next_step(belief, _accuracies(entrants), seconds, budget - spent, len(protocol.seeds))
        if step is None:
            break
        name = step.checkpoint
        entrant = entrants.setdefault(name, Entrant())
        _advance(entrant, step.search, pair_of(name), lent.get(architectures[name]), folder / name, protocol)
        if entrant.own:
            lent.setdefault(architectures[name], entrant.own)
    if not entrants:
        least = min(seconds.first.values())
        raise InputError(
            f"--budget: {budget:.0f} s are too short: fine-tuning one checkpoint takes about {np.ceil(least):.0f} s "
            "here; give more time, or fewer --steps"
        )
    pick, after = winner(belief, _accuracies(entrants))
    best = entrants[pick]
    rate, decay = best.own or lent[architectures[pick]]
    return {name: each.runs() for name, each in entrants.items()}, {
        "winner": pick,
        "learning_rate": rate,
        "weight_decay": decay,
        "regret_left": regret_left(after, pick),
        "noise": seed_noise(_accuracies(entrants).known()),
        "budget_seconds": budget,
        "spent_seconds": spent,
        "borrowed": [name for name, each in entrants.items() if each.own is None and len(protocol.points) > 1],
        "untried": [name for name in belief.names if name not in entrants],
    }


def _advance(
    entrant: Entrant, search_now: bool, pair: Pair, lent: Point | None, folder: Path, protocol: Protocol
) -> None:
    """The next step of one checkpoint: a run with the next seed, or the search of its learning rate.

    Args:
        entrant: Updated.
        search_now: Whether to search; runs with a borrowed learning rate are then repeated with the own one.
        pair: The dataset with the checkpoint.
        lent: Learning rate and weight decay to borrow; None to search before the first run.
        folder: Where the checkpoint's runs are kept.
        protocol: Grid, seeds, and how to train.
    """

    def searched() -> Point:
        records, finalists = search(pair, folder, protocol)
        halving = protocol.halving is not None and len(protocol.points) > 1
        entrant.searches = [_timed(folder / f"{run_name(record, halving)}.json") for record in records]
        entrant.own = chosen_point(chosen(finalists))
        return entrant.own

    def tested(at: Point, number: int) -> Timed:
        seed = protocol.seeds[number]
        path = folder / f"test-{point_name(at)}-seed{seed}.json"
        run_seed(pair, path, protocol.training, at, seed)
        return _timed(path)

    if search_now:
        at = searched()
        entrant.again = [tested(at, number) for number in range(len(entrant.first))]
    else:
        so_far = entrant.again or entrant.first
        at = point(so_far[0].record) if so_far else lent or searched()
        so_far.append(tested(at, len(so_far)))


def _seconds(
    names: Iterable[str],
    costs: Mapping[str, Cost],
    architectures: Mapping[str, str],
    entrants: Mapping[str, Entrant],
    lent: Mapping[str, Point],
) -> Seconds:
    """What the steps of each checkpoint would cost now."""
    first, search, run = {}, {}, {}
    for name in names:
        cost = costs[name]
        run[name] = cost.training + cost.testing
        first[name] = run[name] + (0.0 if architectures[name] in lent else cost.search)
        search[name] = 0.0 if name in entrants and entrants[name].own else cost.search
    return Seconds(first, search, run)


def _accuracies(entrants: Mapping[str, Entrant]) -> Runs:
    first = {name: [run.record["accuracy"] for run in each.first] for name, each in entrants.items()}
    own = {name: [run.record["accuracy"] for run in each.again] for name, each in entrants.items() if each.again}
    return Runs(first, own)


def _timed(path: Path) -> Timed:
    return Timed(path.stem, read_json(path), float(read_json(timing_file(path))["seconds"]))


def _cost(pair_of: Callable[[str], Pair], name: str, architecture: str, folder: Path, protocol: Protocol) -> Cost:
    """Seconds of one checkpoint's runs, from a probe that is kept in a file per architecture and options."""
    options = Options(*protocol.points[0], **protocol.training)
    file = folder / f"probe-{slug(architecture)}.json"
    if not file.exists() or read_json(file)["options"] != asdict(options):
        pair = pair_of(name)
        sides = pair.images.pixels.shape[1], pair.images.source.shape[1]
        found = probe(architecture, pair.images.classes, *sides, options, pair.device)
        tested = int(np.bincount(pair.images.split, minlength=3).max())
        training = options.steps * options.batch_size * found.train_seconds
        write_json(file, {"options": asdict(options), "training": training, "testing": tested * found.test_seconds})
    known = read_json(file)
    runs, steps = of_search(protocol)
    share = steps / protocol.training["steps"]
    return Cost(known["training"], known["testing"], share * known["training"] + runs * known["testing"])
