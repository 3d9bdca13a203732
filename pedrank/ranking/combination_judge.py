"""Judge `pedrank.combine` and `pedrank.confidence` on evidence that their parameters were not fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pedrank.evaluation.regret import regret
from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.ranking.combination_fit import fit_combination, metric_taus
from pedrank.ranking.combine import FEWEST_HUBS, combine
from pedrank.ranking.confidence import SURE, confidence
from pedrank.ranking.evidence_hub import Hub, raw_scores
from pedrank.ranking.shipped_hubs import PART_OF

PRIOR, FEATURES, COMBINED, EXPECTED = "prior alone", "features alone", "combine", "expected slopes"
HALVES = 20  # random halves of the checkpoints whose prior is hidden
FEWEST_ANSWERS = 20  # left-out answers with P >= 0.9 that a basis needs before it may be called sure


def without_hub(hubs: Mapping[str, Hub], hub: str, dataset: str) -> dict[str, Hub]:
    """The evidence without a whole hub: an honest test of what travels to a new one. `dataset` is not used.

    A hub that it is a part of, or that is a part of it, is left out, too.
    """
    same = {hub, PART_OF.get(hub), *(part for part, whole in PART_OF.items() if whole == hub)}
    return {name: each for name, each in independent(hubs).items() if name not in same}


def independent(hubs: Mapping[str, Hub]) -> dict[str, Hub]:
    """The hubs without those that are a part of another one that is there."""
    return {name: each for name, each in hubs.items() if PART_OF.get(name) not in hubs}


def without_dataset(hubs: Mapping[str, Hub], hub: str, dataset: str) -> dict[str, Hub]:
    """The evidence without one dataset of a hub: flattering, since the hub's other datasets stay."""
    return {**without_hub(hubs, hub, dataset), hub: hubs[hub].without(dataset)}


def judged(hubs: Mapping[str, Hub], datasets_alone: bool = False) -> pd.DataFrame:
    """Every method on every dataset of the hubs with scores, with parameters fitted on the other evidence.

    Args:
        hubs: By name.
        datasets_alone: Leave out the dataset that is ranked, and not its whole hub.

    Returns:
        Long table: hub, dataset, prior ("static", "ImageNet", either with " half hidden", or "none"), method, tau_w,
        regret (points). Methods: the prior alone, the features alone, `combine`, `combine` with expected slopes in
        place of their lower ends, and each metric. Half hidden: means over random halves of the checkpoints.
    """
    rows = []
    for name, hub in hubs.items():
        parameters: dict[str, Any] = {}
        for dataset, table in hub.scores.items():
            if datasets_alone or not parameters:
                leave = without_dataset if datasets_alone else without_hub
                parameters = fit_combination(leave(hubs, name, dataset))
            for prior, method, scores in _methods(hub, dataset, table, parameters):
                truth = hub.accuracies[dataset].to_numpy(float)
                tau = weighted_taus(scores, truth[None])
                # A constant ranking has no tau_w; it is as good as a random one.
                tau_w = float(np.nan_to_num(tau).mean())
                lost = float(np.mean([regret(each, truth, 1) for each in scores]))
                rows.append((name, dataset, prior, method, tau_w, lost))
            rows += [
                (name, dataset, "none", metric, tau, np.nan)
                for of, metric, tau in metric_taus(hub)
                if of == dataset and "+" not in metric
            ]
    return pd.DataFrame(rows, columns=["hub", "dataset", "prior", "method", "tau_w", "regret"])


def _methods(
    hub: Hub, dataset: str, table: pd.DataFrame, parameters: Mapping[str, Any]
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Name of the prior, method, and scores (1 or HALVES, n)."""
    table = raw_scores(table)
    expected = with_expected_slopes(parameters)
    nothing = table.iloc[:, :0]
    alone = combine(table, None, parameters).to_numpy()[None]
    yield "none", COMBINED, alone
    yield "none", EXPECTED, combine(table, None, expected).to_numpy()[None]
    random = np.random.default_rng(0)
    hidden = np.array([random.permutation(len(table)) < len(table) // 2 for _ in range(HALVES)])
    for name, prior in hub.priors(dataset):
        for title, priors in ((name, [prior]), (f"{name} half hidden", [prior.mask(each) for each in hidden])):
            yield title, PRIOR, np.array([combine(nothing, each, parameters) for each in priors])
            yield title, FEATURES, alone
            yield title, COMBINED, np.array([combine(table, each, parameters) for each in priors])
            yield title, EXPECTED, np.array([combine(table, each, expected) for each in priors])


def with_expected_slopes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under which a follower weighs by its expected slope, however little it travels."""
    slopes = {
        name: {**each, "low": each["mean"], "hubs": max(each["hubs"], FEWEST_HUBS)}
        for name, each in parameters["slopes"].items()
    }
    return {**parameters, "slopes": slopes}


def paired(table: pd.DataFrame, method: str, other: str) -> pd.DataFrame:
    """Paired differences of tau_w between two methods over the datasets of a hub.

    Args:
        table: From `judged`.
        method: One method.
        other: The method to subtract.

    Returns:
        One row per hub and prior that has both: tau_w and regret of the method, difference, low and high (95 % interval
        of Student's t over datasets; NaN where all differences are equal or there is one dataset).
    """
    from scipy.stats import t

    rows = []
    for (hub, prior), cells in table.groupby(["hub", "prior"], sort=False):
        wide = cells.pivot(index="dataset", columns="method", values="tau_w")
        if not {method, other} <= set(wide):
            continue
        differences = (wide[method] - wide[other]).dropna()
        half = t.ppf(0.975, len(differences) - 1) * differences.std() / np.sqrt(len(differences))
        mean = differences.mean()
        lost = cells[cells["method"] == method]["regret"].mean()
        rows.append((hub, prior, wide[method].mean(), lost, mean, mean - half, mean + half))
    return pd.DataFrame(rows, columns=["hub", "prior", "tau_w", "regret", "difference", "low", "high"])


def reliability(hubs: Mapping[str, Hub]) -> pd.DataFrame:
    """What `confidence` says on hubs left out, and what came true.

    Args:
        hubs: By name.

    Returns:
        One row per hub, dataset, prior and use of features: basis, within_one (predicted), regret, low, high
        (predicted), lost (points that the pick lost).
    """
    rows = []
    for name, hub in hubs.items():
        parameters = {**fit_combination(without_hub(hubs, name, "")), "card": {"calibrated": []}}
        for dataset in hub.accuracies:
            truth = hub.accuracies[dataset]
            tables = [truth.to_frame().iloc[:, :0], *([hub.scores[dataset]] if dataset in hub.scores else [])]
            for table in tables:
                priors = [*hub.priors(dataset), *([("none", None)] if table.shape[1] else [])]
                for prior, values in priors:
                    answer = confidence(table, values, parameters)
                    rows.append((name, dataset, prior, *answer, float(truth.max() - truth[answer.pick])))
    columns = ["hub", "dataset", "prior", "pick", "regret", "low", "high", "within_one", "word", "basis", "lost"]
    return pd.DataFrame(rows, columns=columns)


def calibrated(answers: pd.DataFrame) -> list[str]:
    """The bases on which an answer may be called sure.

    Args:
        answers: From `reliability`.

    Returns:
        Bases with at least 20 left-out answers of at least three hubs that say P >= 0.9, of which at least 90 % lost at
        most one point.
    """
    sure = answers[answers["within_one"] >= SURE]
    found = []
    for basis, rows in sure.groupby("basis"):
        enough = len(rows) >= FEWEST_ANSWERS and rows["hub"].nunique() >= FEWEST_HUBS
        if enough and (rows["lost"] <= 1).mean() >= SURE:
            found.append(str(basis))
    return found


def card_of(hubs: Mapping[str, Hub], scores: pd.DataFrame, answers: pd.DataFrame, date: str) -> dict[str, Any]:
    """Card of the parameters: what they were fitted on, when, and what they scored on hubs left out.

    Args:
        hubs: By name.
        scores: From `judged`.
        answers: From `reliability`.
        date: Day of the fit.
    """
    counts = {
        name: {"checkpoints": len(hub.accuracies), "datasets": hub.accuracies.shape[1], "scores": bool(hub.scores)}
        for name, hub in hubs.items()
    }
    against = paired(scores, COMBINED, PRIOR)
    without = scores[(scores["prior"] == "none") & (scores["method"] == COMBINED)].groupby("hub")["tau_w"].mean()
    left_out = [
        {
            "hub": row.hub,
            "prior": row.prior,
            "tau_w": round(row.tau_w, 4),
            "prior_alone": round(row.tau_w - row.difference, 4),
        }
        for row in against.itertuples()
    ]
    left_out += [{"hub": str(hub), "prior": "none", "tau_w": round(float(tau), 4)} for hub, tau in without.items()]
    by_basis = answers.groupby("basis")
    return {
        "fitted_on": date,
        "hubs": counts,
        "left_out": left_out,
        "reliability": {
            str(basis): {
                "answers": len(rows),
                "predicted_within_one": round(float(rows["within_one"].mean()), 3),
                "observed_within_one": round(float((rows["lost"] <= 1).mean()), 3),
            }
            for basis, rows in by_basis
        },
        "calibrated": calibrated(answers),
        "note": "An answer is called sure only on a basis listed under calibrated; the others are likely at most. "
        "tll, sfda-cnn and itm share networks and datasets, so they are fewer than three independent hubs.",
    }
