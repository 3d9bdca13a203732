"""A race of checkpoints for a budget of fine-tuning: which run comes next, and which checkpoint wins.

The first round fine-tunes checkpoints with the first seed. The next one to enter is the one whose expected gain over
the best so far is highest per second,

    E[max(0, a_i - max over fine-tuned k of a_k)] / seconds_i

under the belief (`pedrank.ranking.belief`), which each accuracy updates. Entering ends when another checkpoint would
leave too little time for the later rounds. These are successive halving (Jamieson and Talwalkar 2016): in each the
better half, at least two, gets the next seed. Seeds are shared: seed j is the same for all.

Everything follows from the runs so far, so that an interrupted race continues as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pedrank.ranking.belief import Belief, drawn, measured, seed_noise

Runs = Mapping[str, Sequence[float]]  # accuracies in percent by checkpoint, in the order of the seeds


def next_run(
    belief: Belief,
    runs: Runs,
    first: Mapping[str, float],
    again: Mapping[str, float],
    left: float,
    seeds: int,
    noise: float | None = None,
) -> str | None:
    """The checkpoint to fine-tune next, with its next seed.

    Args:
        belief: Before any run.
        runs: Accuracies so far.
        first: Seconds of a checkpoint's first run, the choice of its learning rate included.
        again: Seconds of a run with a further seed.
        left: Seconds that are left of the budget.
        seeds: Most seeds per checkpoint.
        noise: Standard deviation of an accuracy over seeds, in points, where it is known; else it is estimated from the
            runs.

    Returns:
        Its name; None where the race is over.

    >>> import pandas as pd
    >>> from pedrank.ranking.belief import prior_belief
    >>> belief = prior_belief(pd.DataFrame({"logme": [0.1, 0.3, 0.2]}, index=["byol", "swav", "mine"]))
    >>> costs = dict.fromkeys(belief.names, 60.0)
    >>> next_run(belief, {}, costs, costs, left=60.0, seeds=3), next_run(belief, {}, costs, costs, left=59.0, seeds=3)
    ('swav', None)
    """
    entered = [name for name in belief.names if runs.get(name)]
    if all(len(runs[name]) == 1 for name in entered):
        reserve = _later_seconds(len(entered) + 1, max(again.values()), seeds)
        fits = [name for name in belief.names if name not in entered and first[name] + reserve <= left]
        if not entered and not fits:  # one run is better than none
            fits = [name for name in belief.names if first[name] <= left]
        if fits:
            return _entrant(_after(belief, runs, noise), entered, fits, first)
    for seed in range(1, seeds):
        members = _members(belief, runs, seed, noise)
        if len(members) < 2:
            return None
        waiting = [name for name in members if len(runs[name]) == seed]
        if waiting:
            return next((name for name in waiting if again[name] <= left), None)
    return None


def winner(belief: Belief, runs: Runs, noise: float | None = None) -> tuple[str, Belief]:
    """The checkpoint with the highest expected accuracy among those fine-tuned, and the belief after all runs.

    Args:
        belief: Before any run.
        runs: Accuracies so far; of at least one checkpoint.
        noise: As for `next_run`.
    """
    after = _after(belief, runs, noise)
    mean = dict(zip(after.names, after.mean(), strict=True))
    return max((name for name in belief.names if runs.get(name)), key=mean.__getitem__), after


def round_sizes(entered: int, seeds: int) -> list[int]:
    """Checkpoints in each round: all, then the better half, at least two.

    >>> round_sizes(6, seeds=4), round_sizes(1, seeds=3)
    ([6, 3, 2, 2], [1])
    """
    sizes = [entered]
    while len(sizes) < seeds and sizes[-1] > 1:
        sizes.append(max(2, -(-sizes[-1] // 2)))
    return sizes


def _later_seconds(entered: int, again: float, seeds: int) -> float:
    """Seconds of all rounds after the first."""
    return again * sum(round_sizes(entered, seeds)[1:])


def _members(belief: Belief, runs: Runs, seed: int, noise: float | None) -> list[str]:
    """The checkpoints of a later round, best first: they are chosen by the runs before it, whatever it has found."""
    before = {name: values[:seed] for name, values in runs.items() if len(values) >= 1}
    complete = [name for name in belief.names if len(before.get(name, ())) == seed]
    if len(complete) < 2:
        return []
    mean = dict(zip(belief.names, _after(belief, before, noise).mean(), strict=True))
    return sorted(complete, key=lambda name: -mean[name])[: max(2, -(-len(complete) // 2))]


def _after(belief: Belief, runs: Runs, noise: float | None) -> Belief:
    return measured(belief, runs, seed_noise(runs) if noise is None else noise)


def _entrant(after: Belief, entered: list[str], fits: list[str], first: Mapping[str, float]) -> str:
    if not entered:
        mean = dict(zip(after.names, after.mean(), strict=True))
        return max(fits, key=mean.__getitem__)
    accuracies, weights = drawn(after)
    at = [after.names.index(name) for name in entered]
    best = accuracies[:, at].max(axis=1)
    gains = weights @ np.maximum(0.0, accuracies - best[:, None])
    return max(fits, key=lambda name: gains[after.names.index(name)] / max(first[name], 1e-9))
