"""The choice: the grid point that was best on validation, and the seeds that are still worth running.

No torch here; what is chosen from are the records of pedrank/finetune/run.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pedrank.finetune.protocol import EVERYBODYS_SEEDS, Point

CONFIDENCE = 0.95


def best(records: Sequence[Mapping[str, Any]], count: int = 1) -> list[Mapping[str, Any]]:
    """The `count` best of the validation runs, best first; of equals the first of the grid, diverged ones last.

    A diverged point is thus lost, unless all of them diverged.
    """
    return sorted(records, key=lambda record: (record["diverged"], -record["accuracy"]))[:count]


def chosen(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The chosen grid point as an artefact, with the accuracy that it was chosen for and what was compared."""
    (winner,) = best(records)
    return {
        "learning_rate": winner["options"]["learning_rate"],
        "weight_decay": winner["options"]["weight_decay"],
        "accuracy": winner["accuracy"],
        "diverged": winner["diverged"],
        "points": len(records),
        "points_diverged": sum(record["diverged"] for record in records),
    }


def chosen_point(choice: Mapping[str, Any]) -> Point:
    return choice["learning_rate"], choice["weight_decay"]


def rounds(points: int, halving: int, steps: int) -> list[tuple[int, int]]:
    """Successive halving (Jamieson and Talwalkar 2016): steps of each round, and how many points it keeps.

    Each round trains the points that are left from scratch and keeps the best 1 / `halving` of them, until one is left:
    with 16 points and `halving` 4, all of them for steps / 16, then four for steps / 4.
    """
    sizes = [points]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // halving))
    length = len(sizes) - 1
    return [(max(1, steps // halving ** (length - i)), sizes[i + 1]) for i in range(length)]


def open_seeds(accuracies: Mapping[str, Sequence[float]], number: int) -> list[str]:
    """The checkpoints that the next seed, after `number` of them, is run for: those whose rank it could still change.

    Runs of one seed share head, order of images and crops, so checkpoints are compared by their differences, seed by
    seed: two neighbours in the ranking by mean accuracy are told apart where a paired t-test says so (two-sided, 5 %,
    not corrected for the number of pairs). A checkpoint apart from both neighbours gets no further seed, now or later.

    Args:
        accuracies: By checkpoint, the accuracies of the first seeds; two are compared over the seeds that both have.
        number: Seeds that have been run.
    """
    ranked = sorted(accuracies, key=lambda name: -float(np.mean(accuracies[name] or [0.0])))
    close = set()
    for upper, lower in zip(ranked, ranked[1:], strict=False):
        if not _apart(accuracies[upper], accuracies[lower]):
            close |= {upper, lower}
    running = [name for name in accuracies if len(accuracies[name]) == number]
    return running if number < EVERYBODYS_SEEDS else [name for name in running if name in close]


def _apart(first: Sequence[float], second: Sequence[float]) -> bool:
    from scipy.special import stdtrit

    n = min(len(first), len(second))
    if n < EVERYBODYS_SEEDS:
        return False
    differences = np.subtract(first[:n], second[:n])
    error = differences.std(ddof=1) / np.sqrt(n)
    return bool(abs(differences.mean()) > stdtrit(n - 1, (1 + CONFIDENCE) / 2) * error)
