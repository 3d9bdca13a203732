"""The choice of the grid point that was best on validation, and of the seeds that are still worth running.

The input is records of pedrank/finetune/run.py. No torch here: the workflow plans with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pedrank.finetune.protocol import EVERYBODYS_SEEDS, Point

CONFIDENCE = 0.95  # of the t-test between two neighbours in the ranking


def best(records: Sequence[Mapping[str, Any]], count: int = 1) -> list[Mapping[str, Any]]:
    """The best validation runs, best first. Ties keep the order of the grid; diverged runs come last.

    A diverged point is therefore chosen only if all points diverged.

    Args:
        records: Validation runs, in the order of the grid.
        count: How many to return.

    >>> runs = [{"accuracy": 90.0, "diverged": True}, {"accuracy": 80.0, "diverged": False}]
    >>> best(runs)
    [{'accuracy': 80.0, 'diverged': False}]
    """
    return sorted(records, key=lambda record: (record["diverged"], -record["accuracy"]))[:count]


def chosen(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The chosen grid point as a record: its validation accuracy, and how many points were compared and diverged."""
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
    """Learning rate and weight decay of a record that `chosen` has made."""
    return choice["learning_rate"], choice["weight_decay"]


def rounds(points: int, halving: int, steps: int) -> list[tuple[int, int]]:
    """Successive halving (Jamieson and Talwalkar 2016): steps of each round, and how many points it keeps.

    Each round trains the remaining points from scratch and keeps the best 1 / `halving` of them, until one is left.

    Args:
        points: Points of the grid.
        halving: The factor, at least 2.
        steps: Steps of a full run.

    >>> rounds(16, halving=4, steps=5000)  # 16 points for 312 steps, then 4 points for 1,250 steps
    [(312, 4), (1250, 1)]
    """
    sizes = [points]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // halving))
    length = len(sizes) - 1
    return [(max(1, steps // halving ** (length - i)), sizes[i + 1]) for i in range(length)]


def open_seeds(accuracies: Mapping[str, Sequence[float]], number: int) -> list[str]:
    """The checkpoints that need another seed: those whose rank it could still change.

    Runs of one seed share head, order of images and crops, so checkpoints are compared by paired differences. Two
    neighbours in the ranking by mean accuracy are separate if a paired t-test says so (two-sided, 5 %, not corrected
    for the number of pairs). A checkpoint that is separate from both neighbours gets no further seed, now or later.

    Args:
        accuracies: By checkpoint, its accuracies in the order of the seeds. Two checkpoints are compared over the
            seeds that both have.
        number: Seeds that have been run.

    Returns:
        Names of checkpoints; all of them while fewer than two seeds have been run.

    >>> open_seeds({"a": [90.0, 90.1], "b": [80.0, 80.2], "c": [80.1, 79.9]}, number=2)
    ['b', 'c']
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
