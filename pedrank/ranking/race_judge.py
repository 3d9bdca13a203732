"""Judge the race on hubs whose accuracies are known: points lost for a budget, beside fixed orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pedrank.ranking.belief import Belief, prior_belief, regret_left
from pedrank.ranking.evidence_hub import Hub, raw_scores
from pedrank.ranking.race import Runs, Seconds, next_step, winner

RANDOM_ORDERS = 500
SIMULATED = 20  # sets of seeds, where only their standard deviation is known
RACE = "race, prior: "


class Trained(NamedTuple):
    """All runs of n checkpoints on one dataset, in the order of the hub's checkpoints.

    accuracies: (n, rates, seeds) with each learning rate. chosen: (n,) number of the one that a search chooses. kinds:
    (n,) architectures: a checkpoint borrows the learning rate of the first one with the same architecture. exact:
    accuracies have no noise of seeds.
    """

    accuracies: np.ndarray
    chosen: np.ndarray
    kinds: Sequence[str]
    exact: bool = False

    @property
    def search(self) -> int:
        """Runs that the search of a learning rate takes."""
        rates = self.accuracies.shape[1]
        return rates if rates > 1 else 0

    @property
    def seeds(self) -> int:
        """Seeds per checkpoint and learning rate."""
        return self.accuracies.shape[2]

    @property
    def tests(self) -> np.ndarray:
        """Accuracies (n, seeds) with the chosen learning rates."""
        return self.accuracies[np.arange(len(self.chosen)), self.chosen]


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
        each = runs[0].search + runs[0].seeds
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
        found[str(dataset)] = [Trained(tests[:, None], at, list(map(str, truth.index)), sd is None) for tests in draws]
    return found


def from_seeds(hub: Hub, seeds: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, list[Trained]]:
    """Runs of a hub whose single runs are known.

    Args:
        hub: Checkpoints by datasets.
        seeds: Long table: dataset, checkpoint, stage ("test", or "trial" with a learning rate that the search did not
            choose), learning_rate, seed, accuracy.
        kinds: Architecture by checkpoint.

    Returns:
        By dataset, the runs with the seeds after the first one in each of their rotations.
    """
    found = {}
    for dataset, truth in hub.accuracies.items():
        rows = seeds[(seeds["dataset"] == dataset) & seeds["stage"].isin(["test", "trial"])]
        axes = {name: np.unique(rows[name]) for name in ("learning_rate", "seed")}
        accuracies = np.full((len(truth), *map(len, axes.values())), np.nan)
        at = [truth.index.get_indexer(rows["checkpoint"]), *(np.searchsorted(axes[name], rows[name]) for name in axes)]
        accuracies[tuple(at)] = rows["accuracy"]
        tests = rows[rows["stage"] == "test"].drop_duplicates("checkpoint").set_index("checkpoint")
        chosen = np.searchsorted(axes["learning_rate"], tests["learning_rate"].reindex(truth.index))
        later = np.arange(1, accuracies.shape[2])
        found[str(dataset)] = [
            Trained(accuracies[:, :, [0, *np.roll(later, turn)]], chosen, [kinds[str(name)] for name in truth.index])
            for turn in range(len(later))
        ]
    return found


def _race(belief: Belief, trained: Trained, budget: int, truth: pd.Series) -> tuple[float, float, float]:
    """Checkpoints tried, points lost, and the expected regret left that the race states."""
    names = list(belief.names)
    noise = 0.0 if trained.exact else None
    lent: dict[str, int] = {}  # of each architecture, the learning rate that was found first
    searched: set[str] = set()
    first: dict[str, list[float]] = {}
    own: dict[str, list[float]] = {}
    runs, left = Runs(first, own), float(budget)
    while True:
        seconds = _costs(trained, names, lent, searched)
        step = next_step(belief, runs, seconds, left, trained.seeds, noise)
        if step is None:
            break
        name, at = step.checkpoint, names.index(step.checkpoint)
        kind, chosen = trained.kinds[at], int(trained.chosen[at])
        if step.search:
            searched.add(name)
            again = len(first[name])
            own[name] = trained.accuracies[at, chosen, :again].tolist()
            left -= trained.search + (again if lent[kind] != chosen else 0)
        elif name in first:
            so_far, rate = (own[name], chosen) if name in own else (first[name], lent[kind])
            so_far.append(float(trained.accuracies[at, rate, len(so_far)]))
            left -= 1.0
        else:
            left -= seconds.first[name]
            if kind not in lent:
                lent[kind] = chosen
                searched.add(name)
            first[name] = [float(trained.accuracies[at, lent[kind], 0])]
    pick, after = winner(belief, runs, noise) if runs.first else (names[int(belief.mean().argmax())], belief)
    lost = float(truth.max() - truth.iloc[names.index(pick)])
    return len(runs.first), lost, regret_left(after, pick)


def _costs(trained: Trained, names: Sequence[str], lent: Mapping[str, int], searched: Collection[str]) -> Seconds:
    """What steps cost where each run costs 1."""
    first = {
        name: 1.0 + (0 if kind in lent else trained.search) for name, kind in zip(names, trained.kinds, strict=True)
    }
    search = {name: 0.0 if name in searched else float(trained.search) for name in names}
    return Seconds(first, search, dict.fromkeys(names, 1.0))


def _ordered(order: Sequence[int], trained: Trained, number: int, truth: pd.Series) -> float:
    """Points lost by the first checkpoints of an order."""
    tried = list(order[: max(1, number)])
    return float(truth.max() - truth.iloc[tried[int(trained.tests[tried].mean(axis=1).argmax())]])
