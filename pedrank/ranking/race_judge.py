"""Judge the race on hubs whose accuracies are known: points lost for a budget, beside fixed orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pedrank.ranking.belief import Belief, prior_belief, regret_left
from pedrank.ranking.evidence_hub import Hub, raw_scores
from pedrank.ranking.race import Runs, Seconds, next_run, winner

RANDOM_ORDERS = 500
SIMULATED = 20  # sets of seeds, where only their standard deviation is known
RACE = "race, prior: "


class Trained(NamedTuple):
    """All runs of n checkpoints on one dataset, in the order of the hub's checkpoints.

    tests: (n, seeds) accuracies with the learning rate that a search has chosen. trials: (n, rates) accuracies of the
    first seed with each learning rate. chosen: (n,) column of the chosen one. kinds: (n,) architectures: a trial
    borrows the learning rate of the first checkpoint with the same one. exact: accuracies have no noise of seeds.
    """

    tests: np.ndarray
    trials: np.ndarray
    chosen: np.ndarray
    kinds: Sequence[str]
    exact: bool = False

    @property
    def search(self) -> int:
        """Runs that the search of a learning rate takes."""
        rates = self.trials.shape[1]
        return rates if rates > 1 else 0


def raced(
    hub: Hub, parameters: Mapping[str, Any], shares: Sequence[float], trained: Mapping[str, Sequence[Trained]]
) -> pd.DataFrame:
    """Points lost by the race and by fixed orders. All runs cost the same.

    Args:
        hub: Checkpoints by datasets, with scores.
        parameters: Of the combination, fitted without this hub.
        shares: Budgets, as shares of the runs of all checkpoints: search of the learning rate, and all seeds.
        trained: By dataset, the runs; several where their seeds are drawn or ordered in several ways.

    Returns:
        Long table: dataset, method, share, tried (checkpoints fine-tuned), lost (points, mean over `trained`), expected
        (regret left that the race states; NaN for orders). Methods: the race with each prior and without one; the
        static and the ImageNet order; LogME's; random order. A fixed order fine-tunes one checkpoint after the other,
        with search and all seeds, and keeps the most accurate. With fewer runs than one takes, nothing is fine-tuned
        and the first is taken.
    """
    rows: list[tuple[Any, ...]] = []
    for dataset, truth in hub.accuracies.items():
        table = hub.scores.get(dataset, hub.accuracies.iloc[:, :0])
        table = raw_scores(table)
        runs = trained[str(dataset)]
        each = runs[0].search + runs[0].tests.shape[1]
        orders = {f"{name} order": prior for name, prior in hub.priors(dataset)}
        if "logme" in table:
            orders["LogME's order"] = table["logme"]
        priors = {"none": None} if table.shape[1] else {}
        beliefs = {
            f"{RACE}{name}": prior_belief(table, prior, parameters)
            for name, prior in ({**dict(hub.priors(dataset)), **priors}).items()
        }
        for share in shares:
            budget = int(share * len(truth) * each + 1e-9)
            for method, belief in beliefs.items():
                rows.append((dataset, method, share, *np.mean([_race(belief, one, budget, truth) for one in runs], 0)))
            for method, scores in orders.items():
                order = scores.reindex(truth.index).rank(ascending=False, na_option="bottom").argsort(kind="stable")
                lost = np.mean([_ordered(order, one, budget // each, truth) for one in runs])
                rows.append((dataset, method, share, budget // each, lost, np.nan))
            random = np.random.default_rng(0)
            lost = np.mean(
                [
                    _ordered(random.permutation(len(truth)).tolist(), runs[draw % len(runs)], budget // each, truth)
                    for draw in range(RANDOM_ORDERS)
                ]
            )
            rows.append((dataset, "random order", share, budget // each, lost, np.nan))
    return pd.DataFrame(rows, columns=["dataset", "method", "share", "tried", "lost", "expected"])


def from_hub(hub: Hub, sd: pd.DataFrame | None = None, seeds: int = 1) -> dict[str, list[Trained]]:
    """Runs of a hub whose single runs are not known: exact accuracies, or simulated seeds.

    Args:
        hub: Checkpoints by datasets.
        sd: Standard deviation over seeds, like `hub.accuracies`; None where accuracies count as exact.
        seeds: Seeds per checkpoint; 1 where accuracies count as exact.
    """
    random = np.random.default_rng(1)
    found = {}
    for dataset, truth in hub.accuracies.items():
        exact = np.repeat(truth.to_numpy(float)[:, None], seeds, axis=1)
        spread = np.zeros_like(exact[:, :1])
        if sd is not None:
            spread = sd[dataset].reindex(truth.index).fillna(0.0).to_numpy(float)[:, None]
        draws = [exact + spread * random.normal(size=exact.shape) for _ in range(1 if sd is None else SIMULATED)]
        at = np.zeros(len(truth), int)
        found[str(dataset)] = [
            Trained(tests, tests[:, :1], at, list(map(str, truth.index)), sd is None) for tests in draws
        ]
    return found


def from_seeds(hub: Hub, seeds: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, list[Trained]]:
    """Runs of a hub whose single runs are known.

    Args:
        hub: Checkpoints by datasets.
        seeds: Long table: dataset, checkpoint, stage ("test", and "trial" for the first seed with a learning rate that
            was not chosen), learning_rate, seed, accuracy.
        kinds: Architecture by checkpoint.

    Returns:
        By dataset, the runs with the seeds after the first one in each of their rotations.
    """
    found = {}
    for dataset, truth in hub.accuracies.items():
        rows = seeds[(seeds["dataset"] == dataset) & seeds["stage"].isin(["test", "trial"])]
        wide = rows[rows["stage"] == "test"].pivot(index="checkpoint", columns="seed", values="accuracy")
        tests = wide.reindex(truth.index).to_numpy(float)
        first = rows[rows["seed"] == rows["seed"].min()]
        trials = first.pivot(index="checkpoint", columns="learning_rate", values="accuracy").reindex(truth.index)
        rate = first[first["stage"] == "test"].set_index("checkpoint")["learning_rate"].reindex(truth.index)
        chosen = trials.columns.get_indexer(rate)
        orders = [np.roll(np.arange(1, tests.shape[1]), turn) for turn in range(tests.shape[1] - 1)]
        found[str(dataset)] = [
            Trained(tests[:, [0, *order]], trials.to_numpy(float), chosen, [kinds[str(name)] for name in truth.index])
            for order in orders
        ]
    return found


def _race(belief: Belief, trained: Trained, budget: int, truth: pd.Series) -> tuple[float, float, float]:
    """Checkpoints tried, points lost, and the expected regret left that the race states."""
    names = list(belief.names)
    noise = 0.0 if trained.exact else None
    rates: dict[str, int] = {}  # of each architecture, the learning rate that was found first
    own: set[str] = set()  # checkpoints whose trial had a learning rate of their own
    runs, left = Runs({}, {}), float(budget)
    seeds = trained.tests.shape[1]
    while True:
        seconds = _costs(trained, names, rates, own)
        name = next_run(belief, runs, seconds, left, seeds, noise)
        if name is None:
            break
        at = names.index(name)
        if name not in runs.trials:
            left -= seconds.trial[name]
            own |= {name} if trained.kinds[at] not in rates else set()
            rate = rates.setdefault(trained.kinds[at], int(trained.chosen[at]))
            runs = runs._replace(trials={**runs.trials, name: float(trained.trials[at, rate])})
        else:
            done = len(runs.tests.get(name, ()))
            left -= (seconds.again if done else seconds.second)[name]
            runs = runs._replace(tests={**runs.tests, name: trained.tests[at, : max(2, done + 1)].tolist()})
    pick, after = winner(belief, runs, noise) if runs.trials else (names[int(belief.mean().argmax())], belief)
    lost = float(truth.max() - truth.iloc[names.index(pick)])
    return len(runs.trials), lost, regret_left(after, pick)


def _costs(trained: Trained, names: Sequence[str], rates: Mapping[str, int], own: set[str]) -> Seconds:
    """Runs that each step takes; a search of the learning rate that confirms the borrowed one spares a run."""
    trial, second = {}, {}
    for name, kind, chosen in zip(names, trained.kinds, trained.chosen, strict=True):
        trial[name] = 1.0 + (0 if kind in rates else trained.search)
        second[name] = 1.0 + (0 if name in own else trained.search + (rates.get(kind, chosen) != chosen))
    return Seconds(trial, second, dict.fromkeys(names, 1.0))


def _ordered(order: Sequence[int], trained: Trained, number: int, truth: pd.Series) -> float:
    """Points lost by the first checkpoints of an order."""
    tried = list(order[: max(1, number)])
    return float(truth.max() - truth.iloc[tried[int(trained.tests[tried].mean(axis=1).argmax())]])
