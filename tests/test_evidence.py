"""The tables of pedrank/evidence/ and the page that is written from them, against scipy and pandas."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import weightedtau

from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.shipped_hubs import EVIDENCE
from pedrank.report import text
from pedrank.utils.paths import ROOT

STUDY = read_yaml(ROOT / "studies/evidence.yaml")
PAGE = (ROOT / "docs/does-ped-help.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables():
    return {name: pd.read_csv(EVIDENCE / f"evidence-{name}.csv") for name in ("accuracy", "seeds", "scores", "costs")}


def mean_tau(tables, method):
    merged = tables["scores"].merge(tables["accuracy"], on=["dataset", "checkpoint"])
    return np.mean([weightedtau(rows[method], rows["accuracy"]).statistic for _, rows in merged.groupby("dataset")])


def test_every_pair_of_the_study_is_there_with_every_seed(tables):
    pairs = {(dataset, checkpoint) for dataset in STUDY["datasets"] for checkpoint in STUDY["checkpoints"]}
    for name in ("accuracy", "scores"):
        table = tables[name]
        assert len(table) == len(pairs) and set(zip(table["dataset"], table["checkpoint"], strict=True)) == pairs
    tests = tables["seeds"][tables["seeds"]["stage"] == "test"]
    assert tests.groupby(["dataset", "checkpoint"]).size().eq(STUDY["finetune"]["seeds"]).all()
    assert len(STUDY["checkpoints"]) >= 24 and len(STUDY["datasets"]) >= 6 and STUDY["finetune"]["seeds"] >= 3


def test_accuracies_are_means_of_the_seeds_at_the_chosen_rate(tables):
    runs = tables["seeds"]
    keys = ["dataset", "checkpoint"]
    tests = runs[runs["stage"] == "test"].groupby(keys)
    accuracy = tables["accuracy"].set_index(keys)
    np.testing.assert_allclose(tests["accuracy"].mean()[accuracy.index], accuracy["accuracy"], rtol=1e-6)
    np.testing.assert_allclose(tests["accuracy"].std()[accuracy.index], accuracy["sd"], rtol=1e-5, atol=1e-5)
    best = runs[runs["stage"] == "validation"].groupby(keys)["accuracy"].max()
    used = runs[runs["stage"] == "validation"].merge(
        tests["learning_rate"].first().rename("chosen").reset_index(), on=keys
    )
    chosen = used[used["learning_rate"] == used["chosen"]].set_index(keys)["accuracy"]
    assert (chosen[best.index] == best).all()


def test_best_and_worst_differ_by_more_than_three_standard_deviations_of_a_seed(tables):
    for dataset, rows in tables["accuracy"].groupby("dataset"):
        sd = np.sqrt((rows["sd"] ** 2).mean())
        assert rows["accuracy"].max() - rows["accuracy"].min() > 3 * sd, dataset


@pytest.mark.parametrize("method", ["logme", "sfda", "parc", "linear_probe"])
def test_the_page_prints_the_tau_w_of_the_tables(tables, method):
    printed = re.search(rf"^\| {re.escape(text.metric(method))} \| (-?[0-9.]+) \|", PAGE, re.MULTILINE)
    assert float(printed[1]) == pytest.approx(mean_tau(tables, method), abs=5.1e-4)


@pytest.mark.parametrize("method", ["logme", "sfda", "gbc"])
def test_the_page_prints_peds_gains(tables, method):
    line = next(line for line in PAGE.split("### Gain by metric")[1].splitlines() if text.metric(method) in line)
    header = next(line for line in PAGE.split("### Gain by metric")[1].splitlines() if "ped-0.6" in line)
    column = [cell.strip() for cell in header.split("|")].index("ped-0.6")
    printed = float(line.split("|")[column].split("[")[0])
    assert printed == pytest.approx(mean_tau(tables, f"{method}+ped-0.6") - mean_tau(tables, method), abs=5.1e-4)
