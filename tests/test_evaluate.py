"""Correlations with the ground truth, and how sure one can be of them."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import weightedtau

from pedrank.artefacts import read_csv
from pedrank.errors import InputError
from pedrank.evaluate import Correlation, correlate, interval, p_value, summarise, weighted_taus
from pedrank.ground_truth import PUBLISHED

DATASETS = ["aircraft", "caltech101", "cars", "cifar10", "cifar100", "flowers", "voc2007", "pets", "food", "dtd"]


def long(values, **columns):
    """A long table from {dataset: [one value per checkpoint]}."""
    name = "rank_score" if columns else "accuracy"
    rows = [(dataset, f"c{i}", value) for dataset, each in values.items() for i, value in enumerate(each)]
    return pd.DataFrame(rows, columns=["dataset", "checkpoint", name]).assign(**columns)


def raw(values, metric="m"):
    return long(values, metric=metric, refinement="none")


def ped(values, lam, metric="m"):
    return long(values, metric=metric, refinement=f"ped-{lam}")


def orders(n, count=2000):
    draws = np.argsort(np.random.default_rng(1).random((count, n)), axis=1)
    return np.vstack([np.arange(n), draws])


def picks(n, count=500):
    return np.random.default_rng(2).integers(n, size=(count, n))


@pytest.fixture(scope="module")
def table():
    """Two datasets, seven checkpoints; metric m on the raw features and under two lambdas, one all ties on y."""
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 7))
    scores = pd.concat(
        [
            raw({"x": random.normal(size=7), "y": b}),
            ped({"x": a, "y": [1.0] * 7}, 0.3),
            ped({"x": -a, "y": b}, 0.6),
        ]
    )
    truth = long({"x": a, "y": b + 0.5 * random.normal(size=7)})
    return summarise(scores, truth).set_index(["dataset", "metric", "refinement"])


@pytest.mark.parametrize("n", [2, 3, 5, 12, 30])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_weighted_taus_are_scipys(n, levels):
    scores, accuracies = np.random.default_rng(n).integers(levels, size=(2, 70, n)).astype(float)
    expected = [weightedtau(*pair).statistic for pair in zip(scores, accuracies, strict=True)]
    np.testing.assert_allclose(
        weighted_taus(scores, accuracies), expected, rtol=0, atol=1e-12
    )  # NaN where scipy has NaN


def test_weighted_taus_share_a_single_row():
    scores, accuracies = np.random.default_rng(0).normal(size=(2, 9, 6))
    expected = [weightedtau(scores[0], row).statistic for row in accuracies]
    np.testing.assert_allclose(weighted_taus(scores[:1], accuracies), expected, atol=1e-12)


def test_static_ranker_on_the_published_accuracies():
    truth = read_csv(PUBLISHED)
    truth = truth[(truth["regime"] == "full") & truth["dataset"].isin(DATASETS)]
    noise = truth.assign(metric="m", refinement="none", rank_score=np.random.default_rng(0).normal(size=len(truth)))
    static = summarise(noise, truth).query("metric == 'static-ranker'").set_index("dataset")["tau_w"]
    assert static["mean"] == pytest.approx(0.6746, abs=5e-5)
    assert static["aircraft"] == pytest.approx(0.083, abs=5e-4)
    assert static["voc2007"] == pytest.approx(0.912, abs=5e-4)
    assert static[DATASETS].mean() == pytest.approx(static["mean"])


def test_chance_at_twelve_checkpoints():
    scores, accuracies = np.random.default_rng(0).normal(size=(2, 12))
    permuted = correlate(scores, accuracies, orders(12, 20_000), picks(12, 1)).permuted
    assert permuted.std() == pytest.approx(0.266, abs=0.006)
    assert np.quantile(permuted, 0.95) == pytest.approx(0.449, abs=0.02)


def test_p_value_is_exact_for_few_checkpoints():
    scores, accuracies = np.array([0.1, 0.9, 0.4, 0.5, 0.2]), np.array([10.0, 30.0, 50.0, 40.0, 20.0])
    taus = [weightedtau(scores, order).statistic for order in permutations(accuracies)]
    observed = weightedtau(scores, accuracies).statistic
    row = summarise(raw({"x": scores}), long({"x": accuracies})).iloc[0]
    assert row["p_value"] == np.mean(np.array(taus) >= observed - 1e-12)
    assert summarise(raw({"x": accuracies}), long({"x": accuracies})).iloc[0]["p_value"] == 1 / 120


def test_p_values_are_uniform_under_chance():
    scores, accuracies = np.random.default_rng(3).normal(size=(2, 400, 12))
    every = orders(12, 300)
    taus = weighted_taus(np.repeat(scores, len(every), axis=0), accuracies[:, every].reshape(-1, 12)).reshape(400, -1)
    found = [p_value(Correlation(permuted[0], 0, permuted, permuted)) for permuted in taus]
    counts = np.histogram(found, bins=5, range=(0, 1))[0]
    assert counts.sum() == 400
    assert ((counts - 80) ** 2 / 80).sum() < 18.5  # chi-squared with 4 degrees of freedom: 0.1 %


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_interval_covers_a_planted_truth(rho):
    scores, noise = np.random.default_rng(4).normal(size=(2, 20_000, 12))
    accuracies = rho * scores + np.sqrt(1 - rho**2) * noise
    truth = weighted_taus(scores, accuracies).mean()
    trials, resamples = np.arange(300)[:, None, None], picks(12)
    resampled = weighted_taus(
        scores[trials, resamples].reshape(-1, 12), accuracies[trials, resamples].reshape(-1, 12)
    ).reshape(300, -1)
    covered = sum(low <= truth <= high for low, high in map(interval, resampled))
    assert 0.91 <= covered / 300 <= 0.99  # nominal 0.95; 300 trials leave 0.013


def test_rows_and_columns(table):
    assert list(table.index) == [
        *[("x", "m", name) for name in ("none", "ped-0.3", "ped-0.6", "ped-oracle")],
        ("x", "static-ranker", "none"),
        *[("y", "m", name) for name in ("none", "ped-0.3", "ped-0.6", "ped-oracle")],
        ("y", "static-ranker", "none"),
        *[("mean", "m", name) for name in ("none", "ped-0.3", "ped-0.6", "ped-oracle")],
        ("mean", "static-ranker", "none"),
    ]
    assert (table["n"] == 7).all()


def test_perfect_and_reversed_rankings(table):
    assert table.loc[("x", "m", "ped-0.3"), ["tau_w", "kendall_tau", "ci_low", "ci_high"]].to_list() == [1, 1, 1, 1]
    assert table.loc[("x", "m", "ped-0.3"), "p_value"] == 1 / 5040
    assert table.loc[("x", "m", "ped-0.6"), ["tau_w", "kendall_tau", "p_value"]].to_list() == [-1, -1, 1]


def test_scores_that_all_tie_have_no_tau(table):
    tied = table.loc[("y", "m", "ped-0.3")]
    assert tied["kendall_tau"] == 0
    assert tied[["tau_w", "p_value", "ci_low", "ci_high", "difference", "difference_low"]].isna().all()
    assert np.isnan(table.loc[("mean", "m", "ped-0.3"), "tau_w"])


def test_oracle_takes_the_best_and_pays_for_it(table):
    assert table.loc[("x", "m", "ped-oracle"), "tau_w"] == 1
    # Of two opposite rankings the better one is at least 0, so chance reaches any level twice as often.
    assert table.loc[("x", "m", "ped-oracle"), "p_value"] == 2 / 5040
    assert table.loc[("y", "m", "ped-oracle"), "tau_w"] == table.loc[("y", "m", "ped-0.6"), "tau_w"]


def test_mean_over_datasets(table):
    for refinement in ("none", "ped-0.6", "ped-oracle"):
        each = table.loc[[("x", "m", refinement), ("y", "m", refinement)]]
        for column in ("tau_w", "kendall_tau"):
            assert table.loc[("mean", "m", refinement), column] == pytest.approx(each[column].mean())


def test_paired_difference(table):
    base = table.xs("none", level="refinement").loc[("x", "m"), "tau_w"]
    assert table.loc[("x", "m", "ped-0.6"), "difference"] == table.loc[("x", "m", "ped-0.6"), "tau_w"] - base
    same = table.loc[("y", "m", "ped-0.6"), ["difference", "difference_low", "difference_high"]]
    assert same.to_list() == [0, 0, 0]  # the scores are those of the raw features
    assert table.xs("none", level="refinement")["difference"].isna().all()


def test_only_the_order_of_scores_counts():
    random = np.random.default_rng(5)
    scores, accuracies = random.normal(size=(2, 9))
    first = summarise(raw({"x": scores}), long({"x": accuracies}))
    pd.testing.assert_frame_equal(first, summarise(raw({"x": np.exp(scores)}), long({"x": accuracies})))
    shuffled = raw({"x": scores}).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(first, summarise(shuffled, long({"x": accuracies})))


def test_one_dataset_and_one_lambda_add_no_rows():
    values = {"x": [1.0, 2.0, 3.0]}
    table = summarise(pd.concat([raw(values), ped(values, 0.3)]), long(values))
    assert list(table["refinement"]) == ["none", "ped-0.3"]


def test_two_checkpoints():
    row = summarise(raw({"x": [1.0, 2.0]}), long({"x": [50.0, 60.0]})).iloc[0]
    assert row[["n", "tau_w", "p_value", "ci_low", "ci_high"]].to_list() == [2, 1, 0.5, 1, 1]


TRUTH = {"x": [70.0, 80.0, 90.0]}


@pytest.mark.parametrize(
    ("scores", "truth", "words"),
    [
        (raw({"x": [1.0, 2.0]}), long(TRUTH), ("x: m:", "'c2' is missing")),
        (raw({"x": [1.0, np.nan, 2.0]}), long(TRUTH), ("x: m:", "'c1' is nan")),
        (ped({"x": [1.0, -np.inf, 2.0]}, 0.3), long(TRUTH), ("x: m (ped-0.3):", "'c1' is -inf")),
        (raw({"x": [1.0, 2.0, 3.0, 4.0]}), long(TRUTH), ("x: m:", "no accuracy of 'c3'")),
        (raw({"z": [1.0, 2.0, 3.0]}), long(TRUTH), ("z: m:", "no ground truth")),
        (pd.concat([raw(TRUTH)] * 2), long(TRUTH), ("x: m:", "two scores of 'c0'")),
        (raw(TRUTH), pd.concat([long(TRUTH)] * 2), ("x:", "two accuracies of 'c0'")),
        (raw(TRUTH), long(TRUTH | {"y": [1.0, 2.0]}), ("y:", "no accuracy of 'c2'")),
        (raw({"x": [1.0]}), long({"x": [70.0]}), ("at least two",)),
    ],
)
def test_bad_input_is_named_in_one_line(scores, truth, words):
    with pytest.raises(InputError) as error:
        summarise(scores, truth)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)
