"""Correlations with the ground truth, and how sure one can be of them."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import weightedtau

from pedrank.evaluation import intervals, permutation
from pedrank.evaluation.correlation import fidelity
from pedrank.evaluation.intervals import interval
from pedrank.evaluation.summary import COLUMNS, summarise
from pedrank.evaluation.weighted_tau import taus_of_models, taus_of_orders, weighted_taus
from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PUBLISHED

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


def test_fidelity_is_the_correlation_of_all_pairwise_differences(table):
    random = np.random.default_rng(3)
    scores, accuracies = random.normal(size=9), random.uniform(50, 90, size=9)
    pairs = np.array([(scores[i] - scores[j], accuracies[i] - accuracies[j]) for i, j in permutations(range(9), 2)])
    assert fidelity(scores, accuracies) == pytest.approx(np.corrcoef(pairs.T)[0, 1], abs=1e-12)
    assert table.loc[("x", "m", "ped-0.3"), "fidelity"] == pytest.approx(1)
    assert table.loc[("x", "random", "none"), "fidelity"] == 0


def test_static_ranker_on_the_published_accuracies():
    truth = read_csv(PUBLISHED / "accuracy.csv")
    truth = truth[(truth["regime"] == "full") & truth["dataset"].isin(DATASETS)]
    noise = truth.assign(metric="m", refinement="none", rank_score=np.random.default_rng(0).normal(size=len(truth)))
    static = summarise(noise, truth).query("metric == 'static-ranker'").set_index("dataset")["tau_w"]
    assert static["mean"] == pytest.approx(0.6746, abs=5e-5)
    assert static["aircraft"] == pytest.approx(0.083, abs=5e-4)
    assert static["voc2007"] == pytest.approx(0.912, abs=5e-4)
    assert static[DATASETS].mean() == pytest.approx(static["mean"])


def test_chance_at_twelve_checkpoints():
    scores, accuracies = np.random.default_rng(0).normal(size=(2, 12))
    permuted = taus_of_orders(scores[None], accuracies[permutation.orders(12, 1)])[0]
    assert permuted.std() == pytest.approx(0.266, abs=0.006)
    assert np.quantile(permuted, 0.95) == pytest.approx(0.449, abs=0.02)


def test_p_value_is_exact_for_few_checkpoints():
    scores, accuracies = np.array([0.1, 0.9, 0.4, 0.5, 0.2]), np.array([10.0, 30.0, 50.0, 40.0, 20.0])
    taus = [weightedtau(scores, order).statistic for order in permutations(accuracies)]
    observed = weightedtau(scores, accuracies).statistic
    row = summarise(raw({"x": scores}), long({"x": accuracies})).iloc[0]
    assert row["p_value"] == np.mean(np.array(taus) >= observed - 1e-12)
    assert summarise(raw({"x": accuracies}), long({"x": accuracies})).iloc[0]["p_value"] == 1 / 120


def uniform(p_values):
    """Chi-squared with 4 degrees of freedom stays below its 99.9 % quantile."""
    counts = np.histogram(p_values, bins=5, range=(0, 1))[0]
    expected = len(p_values) / 5
    return ((counts - expected) ** 2 / expected).sum() < 18.5


def test_p_values_are_uniform_under_chance():
    random = np.random.default_rng(3)
    scores, accuracies = random.normal(size=(2, 400, 12))
    orders = permutation.orders(12, 3)[:2000]
    taus = [taus_of_orders(one[None], other[orders])[0] for one, other in zip(scores, accuracies, strict=True)]
    assert uniform([permutation.p_of_tau(permuted) for permuted in taus])


def test_p_values_of_the_difference_are_uniform_when_the_refinement_does_nothing():
    """Two noisy looks at the same truth, of the same quality: neither is better, both correlate with it."""
    random = np.random.default_rng(4)
    accuracies = random.normal(size=(400, 9))
    base, refined = accuracies + random.normal(size=(2, 400, 9))
    patterns = permutation.swaps(9, 0)
    p_values = [
        permutation.p_of_difference(permutation.swapped_differences(*each, patterns))
        for each in zip(base, refined, accuracies, strict=True)
    ]
    assert uniform(p_values)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.035)


def test_p_of_a_difference_sees_a_better_ranking():
    accuracies = np.arange(12.0)
    base = np.random.default_rng(0).permutation(accuracies)
    difference = permutation.swapped_differences(base, 1e9 * accuracies, accuracies, permutation.swaps(12, 0))
    assert difference[0] == pytest.approx(1 - weightedtau(base, accuracies).statistic)
    assert permutation.p_of_difference(difference) < 0.05
    assert permutation.p_of_difference(-difference) == permutation.p_of_difference(difference)


@pytest.mark.parametrize("n", [4, 30])
def test_swaps_come_with_their_complements(n):
    patterns = permutation.swaps(n, 0)
    assert not patterns[0].any()
    np.testing.assert_array_equal(patterns[::-1], ~patterns)


def test_holm():
    found = permutation.holm([0.01, np.nan, 0.04, 0.03, 0.005, 0.9])
    np.testing.assert_allclose(found, [0.04, np.nan, 0.09, 0.09, 0.025, 0.9])
    assert list(permutation.holm([0.6, 0.7])) == [1, 1]


COVERAGE = {  # share of 400 trials; nominal 0.95, standard error 0.011
    "unrelated": (0.0, 12, 1),
    "moderate": (0.6, 12, 1),
    "close": (0.95, 12, 1),
    "mean over three datasets": (0.6, 12, 3),
}


@pytest.mark.parametrize(("rho", "n", "datasets"), COVERAGE.values(), ids=COVERAGE.keys())
def test_interval_covers_a_planted_truth(rho, n, datasets):
    """Models from a population; on several datasets their quality is shared, so that the datasets are no replicates."""
    random = np.random.default_rng(5)
    shared, scores, noise = random.normal(size=(3, 6000, datasets, n))
    scores = np.sqrt(0.5) * shared[:, :1] + np.sqrt(0.5) * scores if datasets > 1 else scores
    accuracies = rho * scores + np.sqrt(1 - rho**2) * noise
    truth = weighted_taus(scores.reshape(-1, n), accuracies.reshape(-1, n)).mean()
    counts = intervals.resamples(n, 0)[:1000]
    covered = 0
    for trial in range(400):
        pairs = zip(scores[trial], accuracies[trial], strict=True)
        low, high = interval(np.mean([taus_of_models(*pair, counts) for pair in pairs], axis=0))
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_interval_of_the_difference_covers_a_planted_truth():
    random = np.random.default_rng(6)
    accuracies = random.normal(size=(6000, 12))
    base, refined = accuracies + 1.5 * random.normal(size=(6000, 12)), accuracies + 0.5 * random.normal(size=(6000, 12))
    truth = (weighted_taus(refined, accuracies) - weighted_taus(base, accuracies)).mean()
    counts = intervals.resamples(12, 0)[:1000]
    covered = 0
    for trial in range(400):
        taus = [taus_of_models(scores[trial], accuracies[trial], counts) for scores in (refined, base)]
        low, high = interval(taus[0] - taus[1])
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_seed_errors_are_pooled_over_checkpoints():
    table = pd.DataFrame({"sd": [1.0, 3.0, np.nan], "seeds": [2, 4, 1]})
    errors, assumed = intervals.seed_errors(table)
    pooled = np.sqrt((1 * 1 + 9 * 3) / 4)
    np.testing.assert_allclose(errors, pooled / np.sqrt([2, 4, 1]))
    assert not assumed


@pytest.mark.parametrize("columns", [{}, {"sd": [np.nan] * 2, "seeds": [1, 1]}])
def test_seed_errors_are_assumed_where_none_was_measured(columns):
    errors, assumed = intervals.seed_errors(pd.DataFrame({"checkpoint": ["a", "b"]} | columns))
    assert list(errors) == [intervals.ASSUMED_SD] * 2
    assert assumed


def test_seed_noise_blurs_what_lies_close():
    truth = long({"x": [80.0, 80.1, 90.0, 95.0]}).assign(seeds=2)
    scores = raw({"x": [1.0, 2.0, 3.0, 4.0]})
    steady = summarise(scores, truth.assign(sd=0.01)).iloc[0]
    noisy = summarise(scores, truth.assign(sd=1.0)).iloc[0]
    assert steady[["seed_low", "seed_high", "p_best"]].to_list() == pytest.approx([1, 1, 1])
    assert noisy["seed_low"] < 0.9 < noisy["seed_high"] == pytest.approx(1)
    assert noisy["p_best"] == 1  # five points ahead


def test_rows_and_columns(table):
    assert list(table.index) == [
        (dataset, *method)
        for dataset in ("x", "y", "mean")
        for method in [
            *[("m", name) for name in ("none", "ped-0.3", "ped-0.6", "ped-consensus", "ped-oracle")],
            ("static-ranker", "none"),
            ("random", "none"),
        ]
    ]
    assert list(table.reset_index().columns) == COLUMNS
    assert (table["n"] == 7).all()


def test_perfect_and_reversed_rankings(table):
    assert table.loc[("x", "m", "ped-0.3"), ["tau_w", "kendall_tau", "ci_low", "ci_high"]].to_list() == [1, 1, 1, 1]
    assert table.loc[("x", "m", "ped-0.3"), "p_value"] == 1 / 5040
    assert table.loc[("x", "m", "ped-0.6"), ["tau_w", "kendall_tau", "p_value"]].to_list() == [-1, -1, 1]


def test_scores_that_all_tie_have_no_tau(table):
    tied = table.loc[("y", "m", "ped-0.3")]
    assert tied["kendall_tau"] == 0
    assert tied[["tau_w", "p_value", "ci_low", "ci_high", "difference", "difference_low"]].isna().all()
    assert tied[["spearman", "pearson", "difference_p"]].isna().all()
    assert np.isnan(table.loc[("mean", "m", "ped-0.3"), "tau_w"])
    by_chance = table.loc[("y", "random", "none")]
    for column in ("regret_1", "regret_3", "relative_1", "p_best"):
        assert tied[column] == by_chance[column]


def test_random_ranker_is_zero_give_or_take_chance(table):
    row = table.loc[("x", "random", "none")]
    assert row[["tau_w", "kendall_tau", "spearman", "pearson"]].to_list() == [0] * 4
    assert -0.75 < row["ci_low"] < -0.5 and 0.5 < row["ci_high"] < 0.75  # seven checkpoints
    assert row[["p_value", "subset_wins"]].isna().all()
    narrower = table.loc[("mean", "random", "none")]
    assert narrower["ci_high"] < row["ci_high"]  # a ranking is drawn anew on each dataset


def test_oracle_takes_the_best_and_pays_for_it(table):
    assert table.loc[("x", "m", "ped-oracle"), "tau_w"] == 1
    # Of two opposite rankings the better one is at least 0, so chance reaches any level twice as often.
    assert table.loc[("x", "m", "ped-oracle"), "p_value"] == 2 / 5040
    assert table.loc[("y", "m", "ped-oracle"), "tau_w"] == table.loc[("y", "m", "ped-0.6"), "tau_w"]


def test_consensus_takes_what_agrees_with_the_raw_features(table):
    """On y lambda 0.6 ranks as the raw features do and 0.3 ties all; on x neither has an accuracy's help."""
    chosen = table.loc[("y", "m", "ped-consensus")]
    assert chosen["chosen"] == "ped-0.6"
    columns = ["tau_w", "p_value", "ci_low", "difference_p", "regret_1"]
    assert chosen[columns].to_list() == table.loc[("y", "m", "ped-0.6"), columns].to_list()
    assert table["chosen"].notna().sum() == 2 * 2


def test_consensus_ignores_the_accuracies():
    random = np.random.default_rng(7)
    scores = pd.concat([raw({"x": random.normal(size=8)}), *(ped({"x": random.normal(size=8)}, lam) for lam in (1, 2))])
    truths = [long({"x": random.normal(size=8), "y": random.normal(size=8)}) for _ in range(8)]
    scores = pd.concat([scores, scores.assign(dataset="y")])
    tables = [summarise(scores, truth).query("dataset == 'x'").set_index("refinement")["chosen"] for truth in truths]
    assert len({table["ped-consensus"] for table in tables}) == 1
    assert len({table["ped-oracle"] for table in tables}) == 2


def test_holm_corrects_over_the_datasets_of_a_row(table):
    for column, adjusted in (("p_value", "p_holm"), ("difference_p", "difference_p_holm")):
        rows = table.xs(("m", "none" if column == "p_value" else "ped-0.6"), level=("metric", "refinement"))
        np.testing.assert_array_equal(rows.loc[["x", "y"], adjusted], permutation.holm(rows.loc[["x", "y"], column]))
        assert rows.loc["mean", adjusted] == rows.loc["mean", column]


def test_stability(table):
    perfect = table.loc[("x", "m", "ped-0.3")]
    assert perfect[["left_out_low", "left_out_high", "subset_sd"]].to_list() == [1, 1, 0]
    raw_row = table.loc[("x", "m", "none")]
    assert raw_row["left_out_low"] < raw_row["tau_w"] < raw_row["left_out_high"]
    assert raw_row["subset_sd"] > 0
    for dataset in ("x", "y", "mean"):
        assert table.xs(dataset)["subset_wins"].sum() == pytest.approx(1)
    assert perfect["subset_wins"] > 0.9


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
    assert table.loc[("y", "m", "ped-0.6"), "difference_p"] == 1
    assert table.xs("none", level="refinement")["difference"].isna().all()


def test_only_the_order_of_scores_counts():
    random = np.random.default_rng(5)
    scores, accuracies = random.normal(size=(2, 9))
    first = summarise(raw({"x": scores}), long({"x": accuracies}))
    other_scale = summarise(raw({"x": np.exp(scores)}), long({"x": accuracies}))
    pd.testing.assert_frame_equal(
        first.drop(columns=["pearson", "fidelity"]), other_scale.drop(columns=["pearson", "fidelity"])
    )
    shuffled = raw({"x": scores}).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(first, summarise(shuffled, long({"x": accuracies})))


def test_one_dataset_and_one_lambda_add_no_rows():
    values = {"x": [1.0, 2.0, 3.0]}
    table = summarise(pd.concat([raw(values), ped(values, 0.3)]), long(values))
    assert list(table["refinement"]) == ["none", "ped-0.3", "none"]
    assert list(table["metric"]) == ["m", "m", "random"]


def test_two_checkpoints():
    row = summarise(raw({"x": [1.0, 2.0]}), long({"x": [50.0, 60.0]})).iloc[0]
    assert row[["n", "tau_w", "p_value"]].to_list() == [2, 1, 0.5]
    undefined = ["ci_low", "ci_high", "left_out_low", "subset_sd", "subset_wins"]
    assert row[undefined].isna().all()  # two models say nothing about others


def test_accuracies_that_all_tie():
    row = summarise(raw({"x": [1.0, 2.0, 3.0]}), long({"x": [70.0] * 3})).iloc[0]
    assert row[["tau_w", "spearman", "pearson", "p_value", "ci_low", "seed_low"]].isna().sum() == 5  # seeds may differ
    assert row[["kendall_tau", "regret_1", "relative_1"]].to_list() == [0, 0, 1]


TRUTH = {"x": [70.0, 80.0, 90.0]}


@pytest.mark.parametrize(
    ("scores", "truth", "words"),
    [
        (raw({"x": [1.0, 2.0]}), long(TRUTH), ("x: m:", "'c2' is missing")),
        (raw({"x": [1.0, np.nan, 2.0]}), long(TRUTH), ("x: m:", "'c1' is nan")),
        (raw({"x": [1.0, "1\x00", 2.0]}), long(TRUTH), ("x: m:", "'c1' is 1")),
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
