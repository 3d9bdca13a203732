"""Expected accuracies from prior and features together: means and covariance.

    y = X b + e        b ~ N(m, S)  slopes in a new dataset of a new hub        e_i ~ N(0, s_i^2)
    y ~ N(X m, X S X' + diag(s^2))

X (n, K) holds the standardised normal scores of prior and features; m, S and s_i are the parameters that
`pedrank.ranking.combination_fit` has fitted. Features count with their expected slopes beside a prior, so the order of
the means may differ from that of `combine`, which lets features decide only where the prior is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pedrank.ranking.combine import checked, features_index, lead_and_rest, normal_scores, shipped_parameters

if TYPE_CHECKING:
    import pandas as pd


class Posterior(NamedTuple):
    """The belief about accuracies before any fine-tuning.

    mean (n,) and covariance (n, n), by checkpoint: accuracy after fine-tuning, minus the mean of these checkpoints, in
    units of their standard deviation; log_mean and log_sd: mean and standard deviation of the logarithm of this unit in
    points of accuracy, which is unknown on a new dataset; basis: "prior", "features", "both" or "nothing".
    """

    mean: pd.Series
    covariance: pd.DataFrame
    log_mean: float
    log_sd: float
    basis: str


def posterior(
    table: pd.DataFrame, prior: pd.Series | None = None, parameters: Mapping[str, Any] | None = None
) -> Posterior:
    """Return the mean and the covariance of the accuracies that prior and features let one expect.

    Args:
        table: n >= 1 checkpoints by metrics, as for `pedrank.combine`.
        prior: Accuracy elsewhere by checkpoint, as for `pedrank.combine`.
        parameters: Learned parameters; those shipped with the package where None.

    Returns:
        The belief, in the order of the table.

    Raises:
        InputError: As `pedrank.combine`.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"logme": [0.1, 0.3, 0.2]}, index=["byol", "swav", "mine"])
    >>> belief = posterior(table, pd.Series({"byol": 74.4, "swav": 75.2, "mine": 76.0}))
    >>> belief.mean.idxmax(), belief.covariance.shape, belief.basis
    ('mine', (3, 3), 'both')
    """
    import pandas as pd

    parameters = parameters or shipped_parameters()
    x, mean, covariance, noise, basis = design(*checked(table, prior), parameters)
    of_all = pd.DataFrame(x @ covariance @ x.T + np.diag(noise**2), table.index, table.index)
    points = parameters["points"]
    return Posterior(pd.Series(x @ mean, table.index), of_all, points["log_mean"], points["log_sd"], basis)


def design(
    known: pd.Series, table: pd.DataFrame, parameters: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str]:
    """Return the matrices of the model: X (n, K), m (K,), S (K, K), s (n,), and the basis.

    Rows with a known prior p: (p, f - m, M), m the mean of the features' index f and M the means of the features'
    columns over these rows. The other rows: (0, 0, features' columns).

    Args:
        known: (n,) prior, NaN where unknown.
        table: n checkpoints by metrics.
        parameters: Learned parameters.
    """
    slopes = parameters["slopes"]
    lead, rest = lead_and_rest(table, parameters)
    if lead.notna().all() and rest.any():
        features, alone = np.column_stack([lead, rest]), slopes["lead+rest"]
    else:
        features, alone = features_index(table, parameters).to_numpy()[:, None], slopes["features"]
    index = features_index(table, parameters).to_numpy()
    has = known.notna().to_numpy() & (known.nunique() > 1)
    speak = bool(features.any())
    beside = slopes["prior+features"] if speak else slopes["prior"]
    columns = len(beside["mean"])
    x = np.zeros((len(table), columns + features.shape[1]))
    x[:, columns:] = features
    if has.any():
        x[has, 0] = normal_scores(known[has]).to_numpy()
        x[has, 1:columns] = (index[has] - index[has].mean())[:, None]
        x[has, columns:] = features[has].mean(axis=0)
    covariance = np.zeros((x.shape[1], x.shape[1]))
    covariance[:columns, :columns] = beside["covariance"]
    covariance[columns:, columns:] = alone["covariance"]
    noise = np.where(has, beside["residual_sd"], alone["residual_sd"] if speak else 1.0)
    basis = {(True, True): "both", (True, False): "prior", (False, True): "features"}.get((bool(has.any()), speak))
    return x, np.array([*beside["mean"], *alone["mean"]]), covariance, noise, basis or "nothing"
