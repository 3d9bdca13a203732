"""The belief about accuracies of checkpoints: the combination's prior, updated by measured accuracies.

    a_i = c + s (b_g f_i + e_i)   b_g ~ N(m_g, v_g)   e_i ~ N(0, r_g^2)   c ~ N(0, 100^2)   log s ~ N(mu, sd^2)
    y_ij = a_i + N(0, t^2)        accuracy of checkpoint i with seed j, in percent

f (n,) is what `pedrank.combine` returns. The slope b and the residual e are those of the prior for a checkpoint whose
prior is known, and those of the features for the others (g); a checkpoint of which nothing is known has r = 1. Their
parameters, mu and sd come from `pedrank.ranking.combination_fit`. Given the scale s (points per unit), everything is
Gaussian, and measured accuracies condition it:

    G = C_:k (C_kk + diag(t^2 / seeds))^-1      mean + G (y - mean_k)      C - G C_k:

The scale has nine values (Gauss-Hermite), weighted by the density of what was measured. The level c is practically
unknown, so that differences between checkpoints decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pedrank.ranking.combine import checked, combine, shipped_parameters

if TYPE_CHECKING:
    import pandas as pd

LEVEL_SD = 100.0  # points; of the level that all checkpoints share
SCALES = 9  # values of the points per unit
DRAWS = 1024  # quasi-random accuracies per scale
TYPICAL_NOISE, NOISE_WEIGHT = 0.5, 2.0  # points over seeds before any are seen, and the differences that this counts as


@dataclass(frozen=True)
class Belief:
    """A mixture of S Gaussians over the accuracies of n checkpoints: names, weights (S,), means and covariances."""

    names: tuple[str, ...]
    weights: np.ndarray
    means: np.ndarray  # (S, n), percent
    covariances: np.ndarray  # (S, n, n)

    def mean(self) -> np.ndarray:
        """Expected accuracies (n,), up to the level where nothing was measured."""
        return self.weights @ self.means


def prior_belief(
    table: pd.DataFrame, prior: pd.Series | None = None, parameters: Mapping[str, Any] | None = None
) -> Belief:
    """The combination's belief before anything is fine-tuned.

    Args:
        table: n checkpoints by metrics, as for `pedrank.combine`.
        prior: Accuracy elsewhere by checkpoint, as for `pedrank.combine`.
        parameters: Learned parameters; those shipped with the package where None.

    Raises:
        InputError: As `pedrank.combine`.

    >>> import pandas as pd
    >>> belief = prior_belief(pd.DataFrame({"logme": [0.1, 0.3, 0.2]}, index=["byol", "swav", "mine"]))
    >>> belief.names[int(belief.mean().argmax())]
    'swav'
    """
    parameters = parameters or shipped_parameters()
    found = model(table, prior, parameters)
    of_units = found.x @ found.covariance @ found.x.T + np.diag(found.noise**2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(SCALES)
    points = np.exp(parameters["points"]["log_mean"] + parameters["points"]["log_sd"] * nodes)[:, None]
    return Belief(
        tuple(map(str, table.index)),
        weights / weights.sum(),
        points * (found.x @ found.mean),
        points[:, :, None] ** 2 * of_units + LEVEL_SD**2,
    )


class Model(NamedTuple):
    """Accuracies in units of s, without their level: y = x b + e, b ~ N(mean, covariance), e_i ~ N(0, noise_i^2).

    x: (n, 2), the index f of checkpoints with a prior, and that of the others. basis: "prior", "features", "both" or
    "nothing".
    """

    x: np.ndarray
    mean: np.ndarray  # (2,)
    covariance: np.ndarray  # (2, 2)
    noise: np.ndarray  # (n,)
    basis: str


def model(table: pd.DataFrame, prior: pd.Series | None, parameters: Mapping[str, Any]) -> Model:
    """The model at the top of this module for one dataset.

    Args:
        table: n checkpoints by metrics, as for `pedrank.combine`.
        prior: Accuracy elsewhere by checkpoint, as for `pedrank.combine`.
        parameters: Learned parameters.
    """
    index = combine(table, prior, parameters).to_numpy()
    known = checked(table, prior)[0]
    has = (known.notna() & (known.nunique() > 1)).to_numpy()
    speak = bool((table.nunique() > 1).any())
    groups = [parameters["slopes"]["prior"], parameters["slopes"]["features"]]
    alone = groups[1]["residual_sd"] if speak else 1.0
    basis = {(True, True): "both", (True, False): "prior", (False, True): "features"}.get((bool(has.any()), speak))
    return Model(
        np.column_stack([index * has, index * ~has]),
        np.array([group["mean"][0] for group in groups]),
        np.diag([group["covariance"][0][0] for group in groups]),
        np.where(has, groups[0]["residual_sd"], alone),
        basis or "nothing",
    )


def ranking_belief(ranking: Mapping[str, Any]) -> Belief:
    """The belief that stands behind a finished ranking, for the checkpoints whose features differ.

    Args:
        ranking: As scripts/ranking.py writes it to JSON. Its ranks are enough, since the combination uses the order of
            scores alone.

    >>> rows = [{"checkpoint": "byol", "rank": 1, "prior": None, "same_as": None, "rank_gbc": 2}]
    >>> rows += [{"checkpoint": "swav", "rank": 2, "prior": None, "same_as": None, "rank_gbc": 1}]
    >>> ranking_belief({"by": "metric", "metric": "logme", "others": ["gbc"], "checkpoints": rows}).names
    ('byol', 'swav')
    """
    import pandas as pd

    rows = [row for row in ranking["checkpoints"] if row["same_as"] is None]
    of_metric = f"rank_{ranking['metric']}" if ranking["by"] == "combination" else "rank"
    columns = {ranking["metric"]: of_metric} | {name: f"rank_{name}" for name in ranking["others"]}
    names = [row["checkpoint"] for row in rows]
    table = pd.DataFrame({name: [-float(row[column]) for row in rows] for name, column in columns.items()}, names)
    return prior_belief(table, pd.Series([row["prior"] for row in rows], names, dtype=float))


def measured(belief: Belief, accuracies: Mapping[str, Sequence[float]], noise: float) -> Belief:
    """The belief after fine-tuning.

    Args:
        belief: Before.
        accuracies: Measured accuracies (percent) by checkpoint, one per seed; checkpoints without any are left out.
        noise: t, the standard deviation of an accuracy over seeds, in points; 0 for none.

    >>> import pandas as pd
    >>> belief = prior_belief(pd.DataFrame({"logme": [0.1, 0.3, 0.2]}, index=["byol", "swav", "mine"]))
    >>> measured(belief, {"byol": [90.0], "swav": [80.0]}, noise=0.0).mean().round(3)[:2].tolist()
    [90.0, 80.0]
    """
    at = [i for i, name in enumerate(belief.names) if len(accuracies.get(name, ()))]
    if not at:
        return belief
    values = np.array([np.mean(accuracies[belief.names[i]]) for i in at])
    seeds = np.array([len(accuracies[belief.names[i]]) for i in at])
    seen = belief.covariances[:, at]  # (S, k, n)
    inner = seen[:, :, at] + np.diag(noise**2 / seeds)
    off = values - belief.means[:, at]
    solved = np.linalg.solve(inner, np.concatenate([seen, off[:, :, None]], axis=2))
    gain, of_off = solved[:, :, :-1].swapaxes(1, 2), solved[:, :, -1]  # (S, n, k), (S, k)
    logs = np.log(belief.weights) - 0.5 * ((off * of_off).sum(axis=1) + np.linalg.slogdet(inner)[1])
    weights = np.exp(logs - logs.max())
    means = belief.means + (gain @ off[:, :, None])[:, :, 0]
    return Belief(belief.names, weights / weights.sum(), means, belief.covariances - gain @ seen)


def drawn(belief: Belief) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies of all checkpoints, drawn from the belief by a fixed quasi-random sequence.

    Args:
        belief: Of n checkpoints.

    Returns:
        (S * 1024, n) accuracies, and the weight (S * 1024,) of each row; the same in every call.
    """
    symmetric = (belief.covariances + belief.covariances.swapaxes(1, 2)) / 2
    values, vectors = np.linalg.eigh(symmetric)
    roots = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    rows = belief.means[:, None, :] + _normal_draws(len(belief.names)) @ roots.swapaxes(1, 2)
    return rows.reshape(-1, rows.shape[2]), np.repeat(belief.weights, DRAWS) / DRAWS


@cache
def _normal_draws(n: int) -> np.ndarray:
    """(1024, n) standard normal numbers; the same in every call."""
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    return ndtri(np.clip(Sobol(n, seed=0).random(DRAWS), 1e-9, 1 - 1e-9))


def regret_left(belief: Belief, pick: str) -> float:
    """Points that the best checkpoint is expected to be ahead of the pick.

    Args:
        belief: Of all checkpoints.
        pick: The chosen one.

    >>> import pandas as pd
    >>> belief = prior_belief(pd.DataFrame({"logme": [0.1, 0.3]}, index=["byol", "swav"]))
    >>> regret_left(belief, "swav") < regret_left(belief, "byol")
    True
    >>> regret_left(measured(belief, {"byol": [80.0], "swav": [90.0]}, noise=0.0), "swav")
    0.0
    """
    accuracies, weights = drawn(belief)
    ahead = accuracies.max(axis=1) - accuracies[:, belief.names.index(pick)]
    return max(0.0, round(float(weights @ ahead), 6))


def seed_noise(accuracies: Mapping[str, Sequence[float]]) -> float:
    """Standard deviation of an accuracy over seeds, pooled over checkpoints, in points.

    Args:
        accuracies: Measured accuracies (percent) by checkpoint, one per seed.

    Returns:
        The root of the pooled variance, in which a typical 0.5 points counts like two differences.

    >>> seed_noise({"a": [90.0], "b": [80.0]})
    0.5
    """
    many = [np.asarray(values, float) for values in accuracies.values() if len(values) > 1]
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in many)
    degrees = sum(len(values) - 1 for values in many)
    return float(np.sqrt((NOISE_WEIGHT * TYPICAL_NOISE**2 + squares) / (NOISE_WEIGHT + degrees)))
