"""A race of checkpoints for a budget of fine-tuning: which one trains next, and which one wins.

Each run goes where it is expected to gain most per second. After a run of checkpoint i, expected accuracies move along
the covariance of the belief (`pedrank.ranking.belief`) with accuracy i, so the best of them is expected to grow by

    gain_i = E[max_k (m_k + C_ki / sqrt(C_ii + t^2) z)] - max_k m_k,    z ~ N(0, 1)

where m and C are the belief's mean and covariance after all runs so far, and t is the noise of seeds. This is the
knowledge gradient (Frazier, Powell and Dayanik 2009, "The knowledge-gradient policy for correlated normal beliefs"). It
decides both which checkpoint enters and which one gets a further seed. The first to enter is the one with the highest
expected accuracy. Seeds are shared: seed j is the same for all.

A checkpoint borrows the learning rate of another one where it can. Time is kept for the winner's search of its own. If
that finds another one, the winner's runs are repeated with it, and those with the borrowed one no longer count. What is
then left goes to further seeds of checkpoints that have searched.

Everything follows from the runs so far, so that an interrupted race continues as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pedrank.ranking.belief import Belief, measured, seed_noise

LEAST_GAIN = 1e-6  # points; less is rounding
NODES = 32  # of the quadrature over z


class Runs(NamedTuple):
    """Runs so far: accuracies in percent, by checkpoint, in the order of the seeds.

    first: with the learning rate of the first run. own: with its own learning rate, of a checkpoint that searched it
    after its first run.
    """

    first: Mapping[str, Sequence[float]]
    own: Mapping[str, Sequence[float]]

    def known(self) -> dict[str, Sequence[float]]:
        """By checkpoint, the accuracies that count."""
        return {name: self.own.get(name, first) for name, first in self.first.items()}


class Seconds(NamedTuple):
    """Seconds of each checkpoint's steps.

    first: its first run, and the search where it has no learning rate to borrow. search: the search, 0 after it. run: a
    run.
    """

    first: Mapping[str, float]
    search: Mapping[str, float]
    run: Mapping[str, float]


class Step(NamedTuple):
    """The next step: a run with the checkpoint's next seed, or the search of its learning rate.

    If a search finds another learning rate than the borrowed one, the same step repeats the checkpoint's runs with it.
    """

    checkpoint: str
    search: bool = False


def next_step(
    belief: Belief, runs: Runs, seconds: Seconds, left: float, seeds: int, noise: float | None = None
) -> Step | None:
    """The checkpoint that trains next.

    Args:
        belief: Before any run.
        runs: Runs so far.
        seconds: What steps cost.
        left: Seconds that are left of the budget.
        seeds: Most seeds per checkpoint.
        noise: Standard deviation of an accuracy over seeds, in points, where it is known; else it is estimated from the
            runs.

    Returns:
        The step; None where the race is over.

    >>> import pandas as pd
    >>> from pedrank.ranking.belief import prior_belief
    >>> belief = prior_belief(pd.DataFrame({"logme": [0.1, 0.3, 0.2]}, index=["byol", "swav", "mine"]))
    >>> costs = Seconds(*[dict.fromkeys(belief.names, 60.0)] * 3)
    >>> [next_step(belief, Runs({}, {}), costs, left, seeds=3) for left in (120.0, 59.0)]
    [Step(checkpoint='swav', search=False), None]
    """
    known = runs.known()
    after, t = _after(belief, known, noise)
    if not known:
        fits = [name for name in belief.names if seconds.first[name] <= left]
        return Step(_best(after, fits)) if fits else None
    best = _best(after, known)
    cost = {name: seconds.run[name] if name in known else seconds.first[name] for name in belief.names}
    open_ones = [name for name in belief.names if len(known.get(name, ())) < seeds]

    def later(name: str) -> float:
        """Seconds of the search after one more run, if the checkpoint then is the winner."""
        if seconds.search[name] == 0 or (name not in known and seconds.first[name] > seconds.run[name]):
            return 0.0  # it has searched, or searches before its first run
        return seconds.search[name] + (len(known.get(name, ())) + 1) * seconds.run[name]

    fits = [name for name in open_ones if cost[name] + max(later(name), later(best)) <= left]
    run = _most_gaining(after, fits, cost, t)
    if run:
        return run
    if seconds.search[best] > 0:
        again = seconds.search[best] + len(runs.first[best]) * seconds.run[best]
        return Step(best, search=True) if again <= left else None
    searched = [name for name in open_ones if name in known and seconds.search[name] == 0 and cost[name] <= left]
    return _most_gaining(after, searched, cost, t)


def winner(belief: Belief, runs: Runs, noise: float | None = None) -> tuple[str, Belief]:
    """The checkpoint with the highest expected accuracy among those fine-tuned, and the belief after all runs.

    Args:
        belief: Before any run.
        runs: Runs so far; of at least one checkpoint.
        noise: As for `next_step`.
    """
    known = runs.known()
    after, _ = _after(belief, known, noise)
    return _best(after, known), after


def _best(after: Belief, names: Collection[str]) -> str:
    """The one of these checkpoints with the highest expected accuracy."""
    mean = dict(zip(after.names, after.mean(), strict=True))
    return max((name for name in after.names if name in names), key=mean.__getitem__)


def _after(belief: Belief, known: Mapping[str, Sequence[float]], noise: float | None) -> tuple[Belief, float]:
    """The belief after all runs, and the noise of seeds."""
    t = seed_noise(known) if noise is None else noise
    return measured(belief, known, t), t


def _most_gaining(after: Belief, names: Sequence[str], cost: Mapping[str, float], noise: float) -> Step | None:
    """A run of the checkpoint that gains most per second; None where no run gains anything."""
    gains = {name: gain for name, gain in zip(names, gains_of(after, names, noise), strict=True) if gain > LEAST_GAIN}
    return Step(max(gains, key=lambda name: gains[name] / max(cost[name], 1e-9))) if gains else None


def gains_of(after: Belief, names: Sequence[str], noise: float) -> list[float]:
    """Points that one more run of each of some checkpoints is expected to gain: the equation at the top.

    The scale of the belief counts as known: the gain is the mean of those under each scale.

    Args:
        after: The belief after all runs so far.
        names: Checkpoints.
        noise: Standard deviation of an accuracy over seeds, in points.

    >>> belief = Belief(("a", "b"), np.ones(1), np.array([[80.0, 80.0]]), np.diag([0.0, 1.0])[None])
    >>> [round(gain, 2) for gain in gains_of(belief, ["a", "b"], noise=0.0)]  # E[max(0, z)] = 0.40
    [0.0, 0.4]
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    before = after.means.max(axis=1)  # (S,)
    found = []
    for name in names:
        i = after.names.index(name)
        spread = np.sqrt(np.maximum(after.covariances[:, i, i], 0) + noise**2)[:, None]
        column = after.covariances[:, :, i]
        moves = np.divide(column, spread, out=np.zeros_like(column), where=spread > 0)
        means = after.means[:, None] + nodes[:, None] * moves[:, None]  # (S, nodes, n)
        found.append(float(after.weights @ (means.max(axis=2) @ weights / weights.sum() - before)))
    return found
