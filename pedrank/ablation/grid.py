"""The settings of PED that Figures 4 and 5 vary, one at a time, and the weighted tau under each setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pedrank.evaluation.weighted_tau import weighted_taus

if TYPE_CHECKING:
    import pandas as pd

# Settings of PED, and their keys in the configuration's block `ablation`.
VARIED = {"lam": "lambdas", "dt": "time_steps", "exit_ratio": "exit_ratios", "max_steps": "max_steps"}


def study_settings(ablation: Mapping[str, Any], ped: Mapping[str, Any]) -> dict[str, float]:
    """The study's value of each varied setting.

    Args:
        ablation: The configuration's block `ablation`; its lam is used.
        ped: The configuration's block `ped`: dt, exit_ratio, max_steps.

    Returns:
        lam, dt, exit_ratio and max_steps by name.
    """
    return {"lam": ablation["lam"], **{name: ped[name] for name in ("dt", "exit_ratio", "max_steps")}}


def one_at_a_time(ablation: Mapping[str, Any], ped: Mapping[str, Any]) -> list[dict[str, float]]:
    """All settings that differ from the study's in at most one value.

    Args:
        ablation: The configuration's block `ablation`: lam, and the lists lambdas, time_steps, exit_ratios and
            max_steps.
        ped: The configuration's block `ped`: dt, exit_ratio, max_steps.

    Returns:
        Distinct settings, the study's first.

    >>> ablation = {"lam": 0.6, "lambdas": [0.3, 0.6], "time_steps": [0.1], "exit_ratios": [0.5], "max_steps": [6]}
    >>> [setting["lam"] for setting in one_at_a_time(ablation, {"dt": 0.1, "exit_ratio": 0.5, "max_steps": 6})]
    [0.6, 0.3]
    """
    own = study_settings(ablation, ped)
    varied = [own | {name: value} for name, values in VARIED.items() for value in ablation[values]]
    return list({tuple(setting.values()): setting for setting in [own, *varied]}.values())


def correlate(scores: pd.DataFrame, ground_truth: pd.DataFrame) -> pd.DataFrame:
    """Weighted tau of each dataset and metric under each setting.

    Args:
        scores: Long table: dataset, checkpoint, metric, lam, dt, exit_ratio, max_steps, score. Rows with empty settings
            hold the score of the raw features.
        ground_truth: Long table: dataset, checkpoint, accuracy.

    Returns:
        Long table: dataset, metric, lam, dt, exit_ratio, max_steps, tau_w, tau_w_base (of the raw features), gain
        (tau_w - tau_w_base). tau_w is NaN where all scores tie.
    """
    import pandas as pd

    def tau_w(group: pd.DataFrame) -> float:
        """NaN instead of an error where all scores tie: the figure leaves a gap there."""
        return float(weighted_taus(group["score"].to_numpy()[None], group["accuracy"].to_numpy()[None])[0])

    merged = scores.merge(ground_truth[["dataset", "checkpoint", "accuracy"]], validate="many_to_one")
    raw = merged["lam"].isna()
    taus = {key: tau_w(group) for key, group in merged[raw].groupby(["dataset", "metric"], sort=False)}
    rows = []
    for key, group in merged[~raw].groupby(["dataset", "metric", *VARIED], sort=False):
        tau = tau_w(group)
        base = taus[key[:2]]
        rows.append((*key, tau, base, tau - base))
    return pd.DataFrame(rows, columns=["dataset", "metric", *VARIED, "tau_w", "tau_w_base", "gain"])
