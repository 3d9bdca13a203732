"""How sure the combination is of its pick: regret in points, from the model of `pedrank.ranking.belief`.

    y = X b + e        b ~ N(m, S)  slopes in a new dataset of a new hub        e_i ~ N(0, s_i^2)
    regret = points * (max over k of y_k - y_pick)        log points ~ N(mu, sd^2)

X (n, K) holds the index that `combine` orders by; m, S, s_i, mu, sd are parameters. Given the slopes, with the means
M = X b,

    P(regret <= t points) = E_u [ product over k != pick of Phi((t + M_pick + s_pick u - M_k) / s_k) ]    u ~ N(0, 1)

Slopes, u and points are integrated by Gauss-Hermite quadrature: nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pedrank.ranking.belief import model
from pedrank.ranking.combine import combine, shipped_parameters

if TYPE_CHECKING:
    import pandas as pd

SURE, LIKELY = 0.9, 0.5  # smallest P(regret <= 1 point) for "sure" and "likely"
_UNITS = np.linspace(0, 8, 81)  # regret in units of y, at which its distribution is computed


class Confidence(NamedTuple):
    """Expected result of fine-tuning the pick alone.

    pick: its name; regret: expected points lost against the best checkpoint, low and high its 5th and 95th percentile;
    within_one: P(at most one point lost); word: "sure", "likely" or "open"; basis: "prior", "features", "both" or
    "nothing".
    """

    pick: str
    regret: float
    low: float
    high: float
    within_one: float
    word: str
    basis: str


def confidence(
    table: pd.DataFrame,
    prior: pd.Series | None = None,
    parameters: Mapping[str, Any] | None = None,
    pick: str | None = None,
) -> Confidence:
    """Expected regret of one checkpoint, by default the one that `combine` ranks first.

    Args:
        table: n >= 1 checkpoints by metrics, as for `combine`.
        prior: Accuracy elsewhere by checkpoint, as for `combine`.
        parameters: Learned parameters; those shipped with the package where None.
        pick: Name of the checkpoint to judge. None: the first by `combine`.

    Returns:
        The pick and what is expected of it. Its word is "open" where it ties with another checkpoint by `combine` or
        P(within one point) < 0.5; "sure" needs P >= 0.9 and a calibration that the parameters' card confirms for this
        basis, and is "likely" otherwise.

    Raises:
        InputError: As `combine`.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"logme": [0.1, 0.3, 0.2, 0.4]}, index=["byol", "swav", "mine", "dino"])
    >>> answer = confidence(table)
    >>> answer.pick, answer.basis, 0 <= answer.low <= answer.regret <= answer.high
    ('dino', 'features', True)
    """
    parameters = parameters or shipped_parameters()
    belief = combine(table, prior, parameters)
    place = int(np.argmax(belief.to_numpy())) if pick is None else list(belief.index).index(pick)
    x, mean, covariance, noise, basis = model(table, prior, parameters)
    distribution = _regret_in_units(x, mean, covariance, noise, place)
    nodes, weights = _normal_nodes(31)
    points = np.exp(parameters["points"]["log_mean"] + parameters["points"]["log_sd"] * nodes)

    def at_most(limit: float) -> float:
        return float(weights @ np.interp(limit / points, _UNITS, distribution))

    limits = np.linspace(0, 40, 2001)
    chances = np.array([at_most(limit) for limit in limits])
    low, high = (float(limits[min(int(np.searchsorted(chances, q)), len(limits) - 1)]) for q in (0.05, 0.95))
    in_units = float(((1 - distribution[1:] + 1 - distribution[:-1]) / 2 * np.diff(_UNITS)).sum())
    within_one = at_most(1.0)
    tied = int((belief == belief.iloc[place]).sum()) > 1
    likely = "likely" if within_one >= LIKELY else "open"
    may_be_sure = within_one >= SURE and basis in parameters["card"]["calibrated"]
    word = "open" if tied else "sure" if may_be_sure else likely
    regret = float(weights @ points) * in_units
    return Confidence(str(belief.index[place]), regret, low, high, within_one, word, basis)


def _regret_in_units(
    x: np.ndarray, mean: np.ndarray, covariance: np.ndarray, noise: np.ndarray, pick: int
) -> np.ndarray:
    """P(max_k y_k - y_pick <= t) at every t of `_UNITS`: the product formula at the top of this module."""
    from scipy.special import ndtr

    x = x - x.mean(axis=0)  # only differences between checkpoints matter
    used = np.abs(x).max(axis=0) > 1e-12  # a column of equal values needs no integral
    x, mean, covariance = x[:, used], mean[used], covariance[np.ix_(used, used)]
    nodes, weights = _normal_nodes(5 if len(mean) < 3 else 3)  # the grid has a power of it
    grid = np.array(list(product(nodes, repeat=len(mean))))
    chances = np.array([np.prod(each) for each in product(weights, repeat=len(mean))])
    u, of_u = _normal_nodes(21)
    total = np.zeros(len(_UNITS))
    others = np.arange(len(x)) != pick
    for slopes, chance in zip(mean + grid @ np.linalg.cholesky(covariance).T, chances, strict=True):
        means = x @ slopes
        gap = _UNITS[:, None, None] + means[pick] + noise[pick] * u[:, None] - means[others]  # (T, U, n - 1)
        total += chance * (ndtr(gap / noise[others]).prod(axis=2) @ of_u)
    return np.minimum(total, 1.0)


def _normal_nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the expectation under N(0, 1)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()
