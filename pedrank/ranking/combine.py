"""The learned combination: checkpoints of a dataset ranked by prior knowledge and by metrics.

Every scorer enters as the normal scores of its ranks within the dataset,

    z_i = Phi^-1((r_i - 3/8) / (n + 1/4))        r_i: rank of checkpoint i, 1 = worst, ties share the mean

divided by their standard deviation, so that no unit and no outlier matters. A scorer that is NaN for a checkpoint is
ranked among the others; a constant one drops out.

The belief is built in two steps of the same form, `overlay`: a leader, and a follower that speaks where the leader is
silent. First the leading metric over the mean of the other metrics, which gives the features' index f (n,). Then the
prior p (n,) over f. Let K be the k checkpoints whose prior is known:

    order in K      by p_i + max(0, b) f_i; ties by f_i
    y_i, i in K     the j-th smallest of the values {f_k, k in K} for the j-th lowest in this order
    y_i otherwise   f_i

So features alone decide which places of the ranking the checkpoints of K share, and which place a checkpoint without
prior gets; the prior decides who gets which place of K. With every prior known, this is the order of the prior.

b comes from a linear Gaussian model with random effects per hub and dataset (`pedrank.ranking.combination_fit`),

    y = p (w_1 + u_1,hub + v_1,dataset) + f (w_2 + u_2,hub + v_2,dataset) + e

b = E[w_2] - 1.96 sd(w_2 + u_2): a follower weighs beside its leader by the slope that 97.5 % of new hubs exceed. Few
hubs, or hubs that disagree, make the follower silent there. With fewer than three hubs the spread between hubs cannot
be told from chance, and b = 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = Path(__file__).with_name("combination.json")
FEWEST_HUBS = 3  # hubs that a metric needs to lead, and a follower to weigh beside its leader: fewer show no spread
TINY = 1e-6  # smaller than the difference of any two normal scores
SMALLEST_WEIGHT = 0.01  # of a metric among the followers, also where its validity may be 0 in a new hub


def combine(
    table: pd.DataFrame, prior: pd.Series | None = None, parameters: Mapping[str, Any] | None = None
) -> pd.Series:
    """Combine prior knowledge and metrics into one score per checkpoint.

    Args:
        table: n checkpoints (index) by metrics (columns, names as in `pedrank.metric_names()`; any subset, any order),
            higher = better. NaN where a score is undefined. A name that the evidence does not know counts as a metric
            of unknown validity.
        prior: Accuracy on ImageNet, or fine-tuned accuracy on other datasets, by checkpoint; any unit, higher = better.
            NaN or no entry where it is unknown.
        parameters: Learned parameters; those shipped with the package where None.

    Returns:
        Series indexed like `table`, higher = better, without NaN; its values are comparable within this table only. A
        checkpoint about which nothing is known gets the mean, 0. All values are equal where nothing tells the
        checkpoints apart.

    Raises:
        InputError: A name occurs twice, a value is no number, or `prior` names no checkpoint of the table.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"logme": [0.1, 0.3, 0.2], "gbc": [-9.0, -7.0, -8.0]}, index=["byol", "swav", "mine"])
    >>> combine(table).sort_values(ascending=False).index.tolist()
    ['swav', 'mine', 'byol']
    >>> combine(table, pd.Series({"byol": 74.4, "swav": 75.2, "mine": 76.0})).idxmax()  # the prior leads
    'mine'
    >>> combine(table, pd.Series({"byol": 74.0, "swav": 74.0, "mine": 73.0})).idxmax()  # and features break its ties
    'swav'
    """
    parameters = parameters or shipped_parameters()
    known, numbers = checked(table, prior)
    index = features_index(numbers, parameters)
    return standardised(overlay(known, index, parameters["slopes"]["prior+features"]))


def features_index(table: pd.DataFrame, parameters: Mapping[str, Any]) -> pd.Series:
    """f: the leading metric over the weighted mean of the other ones, as standardised values.

    Args:
        table: n checkpoints by metrics.
        parameters: Learned parameters.

    Returns:
        (n,) series, mean 0 and standard deviation 1; all 0 where no metric tells the checkpoints apart.
    """
    lead, rest = lead_and_rest(table, parameters)
    return standardised(overlay(lead, rest, parameters["slopes"]["lead+rest"]))


def lead_and_rest(table: pd.DataFrame, parameters: Mapping[str, Any]) -> tuple[pd.Series, pd.Series]:
    """Split the metrics of a table into the leading one and the others.

    The leader is the metric with the highest `low`: the tau_w that it exceeds in 97.5 % of new hubs. Metrics measured
    on three hubs or more come first.

    Args:
        table: n checkpoints by metrics.
        parameters: Learned parameters.

    Returns:
        Normal scores of the leading metric (n,), NaN where it is undefined; and the mean of the normal scores of the
        others (n,), weighted by `low`, 0 where there are none.
    """
    import pandas as pd

    leader = leading_metric(table, parameters)
    if leader is None:
        return pd.Series(np.nan, table.index), pd.Series(0.0, table.index)
    validity, unknown = parameters["validity"], parameters["unknown_metric"]
    scores = table.loc[:, table.nunique() > 1].apply(normal_scores)
    lows = {name: validity.get(name, unknown)["low"] for name in scores.columns if name != leader}
    weights = pd.Series({name: max(low, SMALLEST_WEIGHT) for name, low in lows.items()}, dtype=float)
    others = scores.drop(columns=leader)
    rest = (others * weights).sum(axis=1) / (others.notna() * weights).sum(axis=1)
    return scores[leader], standardised(rest.fillna(0.0).astype(float))


def leading_metric(table: pd.DataFrame, parameters: Mapping[str, Any]) -> str | None:
    """Name of the metric that leads the others; None where no metric tells the checkpoints apart.

    Args:
        table: n checkpoints by metrics.
        parameters: Learned parameters.
    """
    validity, unknown = parameters["validity"], parameters["unknown_metric"]
    of = {name: validity.get(name, unknown) for name in table.columns[table.nunique() > 1]}
    enough = min(FEWEST_HUBS, parameters["hubs_with_metrics"])
    return max(of, key=lambda name: (of[name]["hubs"] >= enough, of[name]["low"]), default=None)


def weight_beside(slopes: Mapping[str, Any]) -> float:
    """Weight of a follower beside its leader: max(0, b) of the module's equations; 0 with fewer than three hubs."""
    return max(0.0, slopes["low"][1]) if slopes["hubs"] >= FEWEST_HUBS else 0.0


def overlay(lead: pd.Series, follower: pd.Series, slopes: Mapping[str, Any]) -> pd.Series:
    """The leader where it is known, the follower elsewhere and within ties: the equations at the top of this module.

    Args:
        lead: (n,), any unit, NaN where unknown.
        follower: (n,) standardised, no NaN.
        slopes: Slopes of leader and follower together: low (2,), hubs.

    Returns:
        (n,) series, no NaN.
    """
    known = lead.notna()
    if lead[known].nunique() < 2:
        return follower
    among = follower[known]
    # The follower's ranks, at most k, are too small to outweigh a step of the leader's, at least 2 k.
    order = normal_scores(lead[known].rank() * 4 * len(among) + among.rank())
    ranks = (order + weight_beside(slopes) * among).round(9).rank()  # rounded: equal sums may differ in a last bit
    places = np.interp(ranks, np.arange(1, len(among) + 1), np.sort(among))  # ties share the mean of their places
    belief = follower.copy()
    # The second term keeps the order where places are equal, as they all are without features.
    belief[known] = places + TINY * normal_scores(ranks)
    return belief


def normal_scores(values: pd.Series) -> pd.Series:
    """z of the module's first equation, standardised; NaN stays NaN.

    Args:
        values: (n,) series with NaN, at least two different values.

    Returns:
        (n,) series: mean 0 and standard deviation 1 over the values that are there.

    >>> import pandas as pd
    >>> normal_scores(pd.Series([5.0, 1000.0, 7.0])).round(2).tolist()
    [-1.22, 1.22, 0.0]
    """
    from scipy.special import ndtri

    ranks = values.rank()
    return standardised(ndtri((ranks - 0.375) / (values.notna().sum() + 0.25)))


def standardised(values: pd.Series) -> pd.Series:
    """Values with mean 0 and standard deviation 1 over those that are there; all 0 where they are equal."""
    centred = values - values.mean()
    spread = float(centred.std(ddof=0))
    return centred / spread if spread > 1e-12 else centred * 0.0


def checked(table: pd.DataFrame, prior: pd.Series | None) -> tuple[pd.Series, pd.DataFrame]:
    """The prior in the order of the table, and the table, both as float64.

    Args:
        table: n checkpoints by metrics.
        prior: By checkpoint, or None.

    Returns:
        (n,) prior with NaN where unknown, and the table.

    Raises:
        InputError: As `combine` says.
    """
    import pandas as pd

    for names, what in (
        (table.index, "checkpoint"),
        (table.columns, "metric"),
        (pd.Index([]) if prior is None else prior.index, "checkpoint of the prior"),
    ):
        if names.has_duplicates:
            name = names[names.duplicated()][0]
            raise InputError(f"combine: {what} '{name}' occurs twice; keep one of its rows or columns")
    try:
        numbers = table.astype(float)
        known = pd.Series(np.nan, table.index) if prior is None else prior.astype(float).reindex(table.index)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"combine: a value is no number ({error}); give numbers, and NaN where one is missing"
        ) from None
    if prior is not None and len(prior) and len(table) and not prior.index.isin(table.index).any():
        raise InputError(
            f"combine: the prior names no checkpoint of the table ('{prior.index[0]}', '{table.index[0]}'); "
            "give both the same names"
        )
    return known, numbers


@cache
def shipped_parameters() -> dict[str, Any]:
    """Parameters shipped with the package; their `card` says what they were fitted on (docs/combine.md)."""
    from pedrank.store.artefacts import read_json

    return read_json(PARAMETERS)
