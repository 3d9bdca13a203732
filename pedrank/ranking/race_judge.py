"""Judge the race on hubs whose accuracies are known: points lost for a budget, beside fixed orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pedrank.ranking.belief import Belief, prior_belief, regret_left
from pedrank.ranking.evidence_hub import Hub
from pedrank.ranking.race import next_run, winner

RANDOM_ORDERS = 500
NOISY_DRAWS = 20  # simulated sets of seeds, where accuracies differ between seeds
RACE = "race, prior: "


def raced(
    hub: Hub,
    parameters: Mapping[str, Any],
    shares: Sequence[float],
    sd: pd.DataFrame | None = None,
    seeds: int = 1,
) -> pd.DataFrame:
    """Points lost by the race and by fixed orders. All runs cost the same.

    Args:
        hub: Checkpoints by datasets, with scores.
        parameters: Of the combination, fitted without this hub.
        shares: Budgets, as shares of the runs of all checkpoints with all seeds.
        sd: Standard deviation over seeds, like `hub.accuracies`; None where accuracies count as exact.
        seeds: Seeds of a full protocol; 1 where accuracies count as exact.

    Returns:
        Long table: dataset, method, share, runs, lost (points, mean over draws), expected (regret left that the race
        states; NaN for orders). Methods: the race with each prior and without one; the static and the ImageNet order;
        LogME's; random order. A fixed order fine-tunes one checkpoint after the other with all seeds and keeps the
        most accurate. With fewer runs than one, nothing is fine-tuned and the first is taken.
    """
    rows = []
    for dataset, truth in hub.accuracies.items():
        table = hub.scores.get(dataset, hub.accuracies.iloc[:, :0])
        table = table[[column for column in table if "+" not in column]]
        noise = None if sd is None else sd[dataset]
        orders = {f"{name} order": prior for name, prior in hub.priors(dataset)}
        if "logme" in table:
            orders["LogME's order"] = table["logme"]
        priors = {"none": None} if table.shape[1] else {}
        beliefs = {
            f"{RACE}{name}": prior_belief(table, prior, parameters)
            for name, prior in ({**dict(hub.priors(dataset)), **priors}).items()
        }
        for share in shares:
            budget = int(share * len(truth) * seeds + 1e-9)
            for method, belief in beliefs.items():
                outcomes = [
                    _race(belief, each, budget, seeds, truth, sd is None) for each in _seeds(truth, noise, seeds)
                ]
                rows.append((dataset, method, share, budget, *np.mean(outcomes, axis=0)))
            for method, scores in orders.items():
                order = scores.reindex(truth.index).rank(ascending=False, na_option="bottom").argsort(kind="stable")
                lost = [_ordered(order, each, budget, seeds, truth) for each in _seeds(truth, noise, seeds)]
                rows.append((dataset, method, share, budget, np.mean(lost), np.nan))
            random = np.random.default_rng(0)
            lost = [
                _ordered(random.permutation(len(truth)).tolist(), each, budget, seeds, truth)
                for each in _seeds(truth, noise, seeds, RANDOM_ORDERS)
            ]
            rows.append((dataset, "random order", share, budget, np.mean(lost), np.nan))
    return pd.DataFrame(rows, columns=["dataset", "method", "share", "runs", "lost", "expected"])


def _seeds(truth: pd.Series, sd: pd.Series | None, seeds: int, draws: int = NOISY_DRAWS) -> list[np.ndarray]:
    """Accuracies (n, seeds) of some simulated repetitions; one where nothing is random but the order."""
    exact = np.repeat(truth.to_numpy(float)[:, None], seeds, axis=1)
    if sd is None:
        return [exact] * (draws if draws == RANDOM_ORDERS else 1)
    random = np.random.default_rng(1)
    spread = sd.reindex(truth.index).fillna(0.0).to_numpy(float)[:, None]
    return [exact + spread * random.normal(size=exact.shape) for _ in range(draws)]


def _race(
    belief: Belief, measurable: np.ndarray, budget: int, seeds: int, truth: pd.Series, exact: bool
) -> tuple[float, float]:
    """Points lost, and the expected regret left that the race states."""
    costs = dict.fromkeys(belief.names, 1.0)
    runs: dict[str, list[float]] = {}
    left, noise = budget, 0.0 if exact else None
    while left and (name := next_run(belief, runs, costs, costs, left, seeds, noise)) is not None:
        done = runs.setdefault(name, [])
        done.append(float(measurable[belief.names.index(name), len(done)]))
        left -= 1
    if runs:
        pick, after = winner(belief, runs, noise)
    else:
        pick, after = belief.names[int(belief.mean().argmax())], belief
    values = dict(zip(belief.names, truth, strict=True))
    return float(truth.max() - values[pick]), regret_left(after, pick)


def _ordered(order: Sequence[int], measurable: np.ndarray, budget: int, seeds: int, truth: pd.Series) -> float:
    """Points lost by the first checkpoints of an order."""
    number = max(1, budget // seeds)
    tried = list(order[:number])
    means = measurable[tried, : max(1, min(seeds, budget))].mean(axis=1)
    return float(truth.max() - truth.iloc[tried[int(means.argmax())]])
