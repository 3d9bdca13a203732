"""The ablation: every setting once, the study's own among them, and tau by scipy's word."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import weightedtau

from pedrank.ablation.grid import VARIED, correlate, one_at_a_time, study_settings

PED = {"dt": 0.1, "exit_ratio": 0.5, "max_steps": 6, "k": 1.0, "mode": "paper", "lambdas": [0.3, 0.6]}
ABLATION = {
    "lam": 0.6,
    "lambdas": [0.3, 0.6, 0.9],
    "time_steps": [0.1, 0.5],
    "exit_ratios": [0.1, 0.5],
    "max_steps": [1, 6],
}


def test_settings_differ_from_the_studys_own_in_one_value_at_most():
    own, settings = study_settings(ABLATION, PED), one_at_a_time(ABLATION, PED)
    assert own == {"lam": 0.6, "dt": 0.1, "exit_ratio": 0.5, "max_steps": 6}
    assert len({tuple(setting.items()) for setting in settings}) == len(settings) == 1 + 2 + 1 + 1 + 1
    assert own in settings
    assert all(sum(setting[name] != own[name] for name in VARIED) <= 1 for setting in settings)


def test_tau_of_each_setting_is_scipys():
    random = np.random.default_rng(0)
    checkpoints = [f"c{i}" for i in range(7)]
    truth = pd.DataFrame({"dataset": "d", "checkpoint": checkpoints, "accuracy": random.random(7)})
    raw = pd.DataFrame({"dataset": "d", "checkpoint": checkpoints, "metric": "m", "score": random.random(7)})
    moved = [raw.assign(**setting, score=random.random(7)) for setting in one_at_a_time(ABLATION, PED)]
    found = correlate(pd.concat([raw, *moved]), truth.sample(frac=1, random_state=0))
    assert len(found) == len(moved)
    for row, table in zip(found.itertuples(), moved, strict=True):
        assert row.tau_w == pytest.approx(weightedtau(table["score"], truth["accuracy"]).statistic)
        assert row.tau_w_base == pytest.approx(weightedtau(raw["score"], truth["accuracy"]).statistic)
        assert row.gain == pytest.approx(row.tau_w - row.tau_w_base)
