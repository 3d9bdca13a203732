"""A race of checkpoints for a budget of fine-tuning: which one trains next, and which one wins.

First round: one *trial* of a checkpoint after the other, a run with the first seed. The next one to enter is the one
whose expected gain over the best so far is highest per second,

    E[max(0, a_i - max over tried k of a_k)] / seconds_i

under the belief (`pedrank.ranking.belief`), which each accuracy updates. Entering ends when another checkpoint would
leave too little time for the later rounds. These are successive halving (Jamieson and Talwalkar 2016), with the factor
three of Hyperband (Li et al. 2018): in each the better third, at least two, gets the next seed. Seeds are shared: seed
j is the same for all. Before its second seed, a checkpoint searches its learning rate, if its trial had borrowed that
of another one; such a trial counts only until then. Time that is left goes to further seeds of the checkpoint that is
expected to gain most over the winner, as long as that is more than a hundredth of a point.

Everything follows from the runs so far, so that an interrupted race continues as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pedrank.ranking.belief import Belief, drawn, measured, seed_noise

FACTOR = 3  # one of three checkpoints goes on to the next round
FEWEST = 2  # checkpoints of a later round: one alone has nobody to race with
LEAST_GAIN = 0.01  # points


class Runs(NamedTuple):
    """Accuracies so far, in percent.

    trials: of the first round, by checkpoint. tests: of the checkpoints of later rounds, with their own learning rate,
    in the order of the seeds; the first one is the trial itself where the trial had the same learning rate.
    """

    trials: Mapping[str, float]
    tests: Mapping[str, Sequence[float]]

    def known(self) -> dict[str, Sequence[float]]:
        """By checkpoint, the accuracies that count: the tests, or the trial where there are none."""
        return {name: self.tests.get(name) or [trial] for name, trial in self.trials.items()}


class Seconds(NamedTuple):
    """What runs cost, by checkpoint: trial; second (all that a checkpoint needs for its second seed); again (a run)."""

    trial: Mapping[str, float]
    second: Mapping[str, float]
    again: Mapping[str, float]


def next_run(
    belief: Belief, runs: Runs, seconds: Seconds, left: float, seeds: int, noise: float | None = None
) -> str | None:
    """The checkpoint that trains next: its trial, its second seed, or a further one.

    Args:
        belief: Before any run.
        runs: Accuracies so far.
        seconds: What runs cost.
        left: Seconds that are left of the budget.
        seeds: Most seeds per checkpoint.
        noise: Standard deviation of an accuracy over seeds, in points, where it is known; else it is estimated from the
            runs.

    Returns:
        Its name; None where the race is over.

    >>> import pandas as pd
    >>> from pedrank.ranking.belief import prior_belief
    >>> belief = prior_belief(pd.DataFrame({"logme": [0.1, 0.3, 0.2]}, index=["byol", "swav", "mine"]))
    >>> costs = Seconds(*[dict.fromkeys(belief.names, 60.0)] * 3)
    >>> [next_run(belief, Runs({}, {}), costs, left, seeds=3) for left in (60.0, 59.0)]
    ['swav', None]
    """
    entered = [name for name in belief.names if name in runs.trials]
    if not runs.tests:
        later = _later_seconds(len(entered) + 1, seconds, seeds)
        fits = [name for name in belief.names if name not in entered and seconds.trial[name] + later <= left]
        if not entered and not fits:  # one trial is better than none
            fits = [name for name in belief.names if seconds.trial[name] <= left]
        if fits:
            return _entrant(_after(belief, runs.known(), noise), entered, fits, seconds.trial)
    racing: dict[str, Sequence[float]] = {name: [runs.trials[name]] for name in entered}
    for seed in range(1, seeds):
        members = _best(belief, racing, noise)
        waiting = [name for name in members if len(runs.tests.get(name, ())) <= seed]
        cost = seconds.second if seed == 1 else seconds.again
        if waiting:
            return next((name for name in waiting if cost[name] <= left), None)
        racing = {name: runs.tests[name][: seed + 1] for name in members}
    return _further(belief, runs, seconds, left, seeds, noise) if len(entered) >= FEWEST else None


def winner(belief: Belief, runs: Runs, noise: float | None = None) -> tuple[str, Belief]:
    """The checkpoint with the highest expected accuracy among those fine-tuned, and the belief after all runs.

    Args:
        belief: Before any run.
        runs: Accuracies so far; of at least one checkpoint.
        noise: As for `next_run`.
    """
    after = _after(belief, runs.known(), noise)
    mean = dict(zip(after.names, after.mean(), strict=True))
    return max((name for name in belief.names if name in runs.trials), key=mean.__getitem__), after


def round_sizes(entered: int, seeds: int) -> list[int]:
    """Checkpoints in each round: all, then the better third, at least two.

    >>> round_sizes(9, seeds=4), round_sizes(1, seeds=3)
    ([9, 3, 2, 2], [1])
    """
    sizes = [entered]
    while len(sizes) < seeds and sizes[-1] >= FEWEST:
        sizes.append(max(FEWEST, -(-sizes[-1] // FACTOR)))
    return sizes


def _later_seconds(entered: int, seconds: Seconds, seeds: int) -> float:
    """Seconds of all rounds after the first."""
    sizes = round_sizes(entered, seeds)[1:]
    return sum(sizes[:1]) * max(seconds.second.values()) + sum(sizes[1:]) * max(seconds.again.values())


def _best(belief: Belief, racing: Mapping[str, Sequence[float]], noise: float | None) -> list[str]:
    """The checkpoints of the next round, best first."""
    if len(racing) < FEWEST:
        return []
    mean = dict(zip(belief.names, _after(belief, racing, noise).mean(), strict=True))
    names = [name for name in belief.names if name in racing]
    return sorted(names, key=lambda name: -mean[name])[: max(FEWEST, -(-len(racing) // FACTOR))]


def _after(belief: Belief, accuracies: Mapping[str, Sequence[float]], noise: float | None) -> Belief:
    return measured(belief, accuracies, seed_noise(accuracies) if noise is None else noise)


def _further(belief: Belief, runs: Runs, seconds: Seconds, left: float, seeds: int, noise: float | None) -> str | None:
    """After all rounds, the checkpoint of another seed; the winner itself is the first one to be sure of."""
    pick, after = winner(belief, runs, noise)
    accuracies, weights = drawn(after)
    at = {name: after.names.index(name) for name in runs.trials}
    gains = {
        name: float(weights @ np.maximum(0.0, accuracies[:, place] - accuracies[:, at[pick]]))
        for name, place in at.items()
    }
    rivals = [name for name in after.names if name in gains and gains[name] > LEAST_GAIN]
    fits = [
        name
        for name in ([pick, *rivals] if rivals else [])
        if len(runs.tests.get(name, [0.0])) < seeds
        and (seconds.again if name in runs.tests else seconds.second)[name] <= left
    ]
    return max(fits, key=lambda name: (name == pick, gains[name]), default=None)


def _entrant(after: Belief, entered: list[str], fits: list[str], seconds: Mapping[str, float]) -> str:
    if not entered:
        mean = dict(zip(after.names, after.mean(), strict=True))
        return max(fits, key=mean.__getitem__)
    accuracies, weights = drawn(after)
    at = [after.names.index(name) for name in entered]
    best = accuracies[:, at].max(axis=1)
    gains = weights @ np.maximum(0.0, accuracies - best[:, None])
    return max(fits, key=lambda name: gains[after.names.index(name)] / max(seconds[name], 1e-9))
