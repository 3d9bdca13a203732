"""Fit the parameters of `pedrank.combine` and `pedrank.confidence` on hubs of evidence.

Three kinds of models (`pedrank.ranking.random_effects`), each with an effect per hub and per dataset.

1. Validity of metric j, over all hubs h and datasets d:

       tau_w(j, h, d) = mu + metric_j + hub_h + (metric x hub)_jh + dataset_hd + e

   `low` is the value that metric_j + mu exceeds in 97.5 % of new hubs (mean - 1.96 sd, without the effect of the hub,
   which is common to all metrics).

2. Slopes of standardised normal scores of accuracies (n,) on those of K scorers, z_1 ... z_K (n,) each:

       y = sum over j of z_j (w_j + u_jh + v_jhd) + e        w_j ~ N(0, 1)

   On a new dataset of a new hub, the slopes are distributed as N(E[w], Cov[w] + diag(sd(u_j)^2 + sd(v_j)^2)).

3. Points of accuracy per unit of y. s_hd is the least-squares slope of the sorted accuracies on their normal scores,
   over the upper half of the checkpoints, among which regret is decided:

       log s_hd = mu + hub_h + e
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pedrank.evaluation.weighted_tau import weighted_taus
from pedrank.ranking.combine import features_index, lead_and_rest, normal_scores, standardised
from pedrank.ranking.evidence_hub import Hub, raw_scores
from pedrank.ranking.random_effects import fit_random_effects, indicators

Z = 1.96  # of a 95 % interval
Rows = list[tuple[str, str, list[pd.Series], pd.Series]]  # hub, dataset, scorers (n,) each, accuracies (n,)


def fit_combination(hubs: Mapping[str, Hub]) -> dict[str, Any]:
    """Parameters of `combine` and `confidence`.

    Args:
        hubs: By name.

    Returns:
        validity (by metric: mean, sd, low, hubs, datasets), unknown_metric, hubs_with_metrics, slopes (by scorers:
        mean (K,), covariance (K, K) in a new dataset of a new hub, low (K,), hubs, datasets), residual_sd by the same
        names, points (log_mean, log_sd).
    """
    parameters: dict[str, Any] = {**_validity(hubs), "points": _points(hubs), "slopes": {}}
    slopes = parameters["slopes"]

    def tables() -> Iterable[tuple[str, str, Hub, pd.DataFrame, pd.Series]]:
        for name, hub in hubs.items():
            for dataset, table in hub.scores.items():
                yield name, dataset, hub, raw_scores(table), hub.accuracies[dataset]

    split = [(*lead_and_rest(raw, parameters), name, dataset, y) for name, dataset, _, raw, y in tables()]
    slopes["lead+rest"] = _slopes([(name, dataset, [lead, rest], y) for lead, rest, name, dataset, y in split])
    indices = [(name, dataset, hub, features_index(raw, parameters), y) for name, dataset, hub, raw, y in tables()]
    slopes["features"] = _slopes([(name, dataset, [index], y) for name, dataset, _, index, y in indices])
    slopes["prior"] = _slopes(
        [
            (name, dataset, [normal_scores(prior)], hub.accuracies[dataset])
            for name, hub in hubs.items()
            for dataset in hub.accuracies
            for _, prior in hub.priors(dataset)
        ]
    )
    slopes["prior+features"] = _slopes(
        [
            (name, dataset, [normal_scores(prior), index], y)
            for name, dataset, hub, index, y in indices
            for _, prior in hub.priors(dataset)
        ]
    )
    return parameters


def metric_taus(hub: Hub) -> Iterable[tuple[str, str, float]]:
    """Dataset, metric and tau_w, published or computed; scores that are constant or undefined give none."""
    for dataset, values in hub.taus.items():
        yield from ((dataset, metric, tau) for metric, tau in values.items())
    for dataset, table in hub.scores.items():
        accuracies = hub.accuracies[dataset].to_numpy(float)
        for metric, column in table.items():
            scores = column.to_numpy(float)
            if np.isfinite(scores).all() and np.ptp(scores) > 0:
                yield dataset, str(metric), float(weighted_taus(scores[None], accuracies[None])[0])


def _validity(hubs: Mapping[str, Hub]) -> dict[str, Any]:
    rows = pd.DataFrame(
        [(name, *row) for name, hub in hubs.items() for row in metric_taus(hub)],
        columns=["hub", "dataset", "metric", "tau_w"],
    )
    if rows.empty:
        raise ValueError("no hub has scores")
    pairs = {
        "metric": rows["metric"].tolist(),
        "hub": rows["hub"].tolist(),
        "metric_and_hub": list(zip(rows["metric"], rows["hub"], strict=True)),
        "dataset": list(zip(rows["hub"], rows["dataset"], strict=True)),
    }
    fit = fit_random_effects(
        rows["tau_w"].to_numpy(), np.ones((len(rows), 1)), {name: indicators(each) for name, each in pairs.items()}
    )
    travel = fit.sd["metric_and_hub"]
    counts = rows.groupby("metric", sort=False).agg(hubs=("hub", "nunique"), datasets=("dataset", "size"))

    def described(effect: float, sd: float, hub_count: int, datasets: int) -> dict[str, Any]:
        mean, total = float(fit.mean[0] + effect), float(np.hypot(sd, travel))
        return {"mean": mean, "sd": total, "low": mean - Z * total, "hubs": int(hub_count), "datasets": int(datasets)}

    effects = zip(counts.index, fit.effects["metric"], fit.effects_sd["metric"], strict=True)
    return {
        "validity": {name: described(effect, sd, *counts.loc[name]) for name, effect, sd in effects},
        "unknown_metric": described(0.0, fit.sd["metric"], 0, 0),
        "hubs_with_metrics": int(rows["hub"].nunique()),
    }


def _slopes(rows: Rows) -> dict[str, Any]:
    if not rows:
        raise ValueError("no hub has these scorers")
    rows = [row for row in rows if all(scorer.notna().all() for scorer in row[2])]
    hubs, datasets, y, x, noise_count, noise_squares = [], [], [], [], 0, 0.0
    for name, dataset, scorers, accuracies in rows:
        # Rotated, so that K values hold all that the scorers explain; the n - 1 - K others are noise. Same likelihood.
        rotation, triangle = np.linalg.qr(np.column_stack([z.loc[accuracies.index].to_numpy() for z in scorers]))
        truth = normal_scores(accuracies).to_numpy()
        explained = rotation.T @ truth
        y.append(explained)
        x.append(triangle)
        noise_count += len(truth) - 1 - len(scorers)
        noise_squares += float(truth @ truth - explained @ explained)
        hubs += [name] * len(scorers)
        datasets += [(name, dataset)] * len(scorers)
    values, regressors = np.concatenate(y), np.concatenate(x)
    columns = range(regressors.shape[1])
    effects = {f"hub {k}": indicators(hubs, regressors[:, k]) for k in columns}
    effects |= {f"dataset {k}": indicators(datasets, regressors[:, k]) for k in columns}
    fit = fit_random_effects(values, regressors, effects, noise_count, noise_squares)
    between, within = ([fit.sd[f"{level} {k}"] for k in columns] for level in ("hub", "dataset"))
    new_hub = np.sqrt(np.diag(fit.covariance) + np.square(between))
    return {
        "mean": fit.mean.tolist(),
        "covariance": (fit.covariance + np.diag(np.square(between) + np.square(within))).tolist(),
        "low": (fit.mean - Z * new_hub).tolist(),
        "sd_between_hubs": between,
        "sd_between_datasets": within,
        "residual_sd": fit.residual_sd,
        "hubs": len(set(hubs)),
        "datasets": len(set(datasets)),
    }


def points_per_unit(accuracies: pd.Series) -> float:
    """s: points of accuracy per unit of normal score, over the upper half of the checkpoints.

    Args:
        accuracies: (n,), percent.

    >>> round(points_per_unit(pd.Series([70.0, 80.0, 90.0, 91.0])), 2)
    1.03
    """
    upper = accuracies >= accuracies.median()
    scores = standardised(normal_scores(accuracies))[upper]
    centred = scores - scores.mean()
    return float((centred * accuracies[upper]).sum() / (centred**2).sum())


def _points(hubs: Mapping[str, Hub]) -> dict[str, float]:
    rows = [(name, points_per_unit(hub.accuracies[d])) for name, hub in hubs.items() for d in hub.accuracies]
    logs = np.log([max(points, 0.01) for _, points in rows])
    fit = fit_random_effects(logs, np.ones((len(logs), 1)), {"hub": indicators([name for name, _ in rows])})
    spread = np.sqrt(fit.covariance[0, 0] + fit.sd["hub"] ** 2 + fit.residual_sd**2)
    return {"log_mean": float(fit.mean[0]), "log_sd": float(spread)}
