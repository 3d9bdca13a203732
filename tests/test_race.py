"""The race: exact posteriors, expected regret by formulas, and what a budget must buy."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.belief import Belief, drawn, measured, prior_belief, regret_left, seed_noise
from pedrank.ranking.combination_fit import fit_combination
from pedrank.ranking.combination_judge import without_hub
from pedrank.ranking.combine import combine, shipped_parameters
from pedrank.ranking.race import Runs, Seconds, next_run, round_sizes, winner
from pedrank.ranking.race_judge import from_hub, from_seeds, raced
from pedrank.ranking.shipped_hubs import EVIDENCE, shipped_hubs
from pedrank.store.artefacts import read_csv
from pedrank.utils.paths import ROOT

NAMES = tuple("abcdef")


def _belief(n=6, seed=0, scales=1):
    random = np.random.default_rng(seed)
    roots = random.normal(size=(scales, n, n))
    weights = random.dirichlet(np.ones(scales))
    return Belief(NAMES[:n], weights, random.normal(80, 5, (scales, n)), roots @ roots.swapaxes(1, 2))


def _race(belief, truth, budget, seeds=1, noise=0.0, costs=None, search=0.0):
    """Accuracies of each checkpoint's runs; seconds of a run are `costs`, 1 if left out."""
    random = np.random.default_rng(0)
    one = costs or dict.fromkeys(belief.names, 1.0)
    seconds = Seconds(one, {name: each + search for name, each in one.items()}, one)
    runs, left = Runs({}, {}), budget
    while (name := next_run(belief, runs, seconds, left, seeds)) is not None:
        value = truth[name] + noise * random.normal()
        if name not in runs.trials:
            runs.trials[name], spent = value, seconds.trial[name]
        else:
            done = runs.tests.get(name) or [runs.trials[name]]
            spent = (seconds.again if name in runs.tests else seconds.second)[name]
            runs.tests[name] = [*done, value]
        left -= spent
    return runs


@pytest.mark.parametrize("noise", [0.7, 0.0])
def test_the_posterior_is_the_conditional_normal(noise):
    """Conditioning through the precision matrix of all checkpoints and single seeds."""
    belief = _belief()
    runs = {"b": [81.0, 82.0], "e": [79.0]}
    after = measured(belief, runs, noise)
    t = noise or 1e-4  # a precision needs some noise
    link = np.eye(6)[[1, 1, 4]]
    precision = np.linalg.inv(belief.covariances[0])
    covariance = np.linalg.inv(precision + link.T @ link / t**2)
    mean = covariance @ (precision @ belief.means[0] + link.T @ np.array([81.0, 82.0, 79.0]) / t**2)
    np.testing.assert_allclose(after.mean(), mean, rtol=1e-5)
    np.testing.assert_allclose(after.covariances[0], covariance, atol=1e-4)


def test_one_by_one_is_all_at_once():
    belief = _belief(scales=3)
    whole = measured(belief, {"a": [80.0], "c": [85.0]}, 0.4)
    steps = measured(measured(belief, {"a": [80.0]}, 0.4), {"c": [85.0]}, 0.4)
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(whole, name), getattr(steps, name), rtol=1e-6, atol=1e-8)


def test_scales_are_weighted_by_the_density_of_what_was_measured():
    belief = _belief(scales=3)
    after = measured(belief, {"a": [80.0], "c": [85.0]}, 0.4)
    at = [0, 2]
    density = [
        multivariate_normal(mean[at], covariance[np.ix_(at, at)] + 0.16 * np.eye(2)).pdf([80.0, 85.0])
        for mean, covariance in zip(belief.means, belief.covariances, strict=True)
    ]
    expected = belief.weights * density
    np.testing.assert_allclose(after.weights, expected / expected.sum(), rtol=1e-8)


@pytest.mark.parametrize("gap", [0.0, 0.5, 3.0])
def test_expected_regret_of_two_is_the_formula(gap):
    covariance = np.array([[1.0, 0.3], [0.3, 2.0]])
    belief = Belief(("a", "b"), np.ones(1), np.array([[80 + gap, 80.0]]), covariance[None])
    sd = np.sqrt(1 + 2 - 2 * 0.3)
    exact = sd * norm.pdf(gap / sd) - gap * norm.sf(gap / sd)
    assert regret_left(belief, "a") == pytest.approx(exact, abs=0.01)


def test_draws_have_the_moments_of_the_belief():
    belief = _belief()
    accuracies, weights = drawn(belief)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ accuracies, belief.means[0], atol=0.1)
    np.testing.assert_allclose(np.cov(accuracies.T, aweights=weights), belief.covariances[0], atol=0.5)


def test_the_prior_belief_orders_as_its_model_says_and_knows_no_level():
    table = pd.DataFrame({"logme": [1.0, 3, 2, 6, 5, 4]}, index=NAMES)
    belief = prior_belief(table)
    assert np.argsort(belief.mean()).tolist() == np.argsort(combine(table)).tolist()
    shifted = measured(belief, {"a": [90.0]}, 0.0).mean() - measured(belief, {"a": [40.0]}, 0.0).mean()
    np.testing.assert_allclose(shifted, 50, atol=0.5)
    points = np.exp(shipped_parameters()["points"]["log_mean"])
    middle = belief.covariances[len(belief.weights) // 2]
    slope = shipped_parameters()["slopes"]["features"]
    spread = points**2 * 2 * (slope["residual_sd"] ** 2)  # of the difference of two with equal features
    difference = middle[0, 0] + middle[1, 1] - 2 * middle[0, 1]
    assert difference > spread  # and not equal: their features differ


@pytest.mark.parametrize("seed", range(5))
def test_without_noise_the_best_found_is_kept_and_a_whole_budget_leaves_no_regret(seed):
    belief = prior_belief(pd.DataFrame({"logme": np.random.default_rng(seed).normal(size=6)}, index=NAMES))
    truth = dict(zip(NAMES, np.random.default_rng(seed + 100).permutation([70, 73, 76, 79, 82, 85.0]), strict=True))
    lost = []
    for budget in (1, 2, 3, 6):
        runs = _race(belief, truth, budget)
        assert len(runs.trials) == budget and not runs.tests
        pick, after = winner(belief, runs)
        assert truth[pick] == max(truth[name] for name in runs.trials)
        lost.append(regret_left(after, pick))
    assert pick == max(truth, key=truth.get)
    assert lost[0] > lost[-1]
    assert regret_left(measured(belief, runs.known(), 0.0), pick) == 0


def test_a_third_goes_on_and_spare_time_buys_no_hopeless_seed():
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    truth = dict(zip(NAMES, [70, 72, 74, 76, 78, 80.0], strict=True))
    assert round_sizes(6, 3) == [6, 2, 2]
    runs = _race(belief, truth, budget=10, seeds=3, noise=0.1)  # 6 + 2 + 2
    assert {name: len(values) for name, values in runs.known().items()} == dict.fromkeys("abcd", 1) | {"e": 3, "f": 3}
    longer = _race(belief, truth, budget=100, seeds=3, noise=0.1)
    assert longer == runs
    close = _race(belief, dict(zip(NAMES, [70, 72, 74, 79.9, 79.8, 80.0], strict=True)), 100, seeds=3, noise=0.5)
    assert len(close.tests["d"]) > 1  # of 2 places in the rounds, and 3 that may be the best


@pytest.mark.parametrize("budget", [0, 0.5, 1, 2, 3, 4, 5, 7.5, 11, 40])
@pytest.mark.parametrize("search", [0.0, 3.0])
def test_no_budget_is_exceeded_and_none_is_left_that_a_round_could_use(budget, search):
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    costs = dict(zip(NAMES, [1.0, 2, 3, 1, 2, 3], strict=True))
    runs = _race(belief, dict.fromkeys(NAMES, 80.0), budget, seeds=3, noise=0.5, costs=costs, search=search)
    again = sum(costs[name] * (len(values) - 1) + search for name, values in runs.tests.items())
    assert sum(costs[name] for name in runs.trials) + again <= budget
    assert bool(runs.trials) == (budget >= 1)


def test_an_expensive_checkpoint_enters_later():
    belief = prior_belief(pd.DataFrame({"logme": [5.0, 4.0, 3.9, 1, 1, 1]}, index=NAMES))
    even = dict.fromkeys(NAMES, 1.0)
    runs, dear = Runs({"a": 80.0}, {}), even | {"b": 20.0}
    assert next_run(belief, runs, Seconds(even, dear, dear), 100, seeds=1) == "b"
    assert next_run(belief, runs, Seconds(dear, dear, dear), 100, seeds=1) == "c"


def test_an_interrupted_race_continues_as_it_would_have():
    """The next run depends on the runs so far alone, in whatever order a table lists them."""
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    runs = _race(belief, dict(zip(NAMES, [70, 80, 74, 76, 78, 72.0], strict=True)), 9, seeds=2, noise=0.3)
    seconds = Seconds(*[dict.fromkeys(NAMES, 1.0)] * 3)
    again = Runs(dict(reversed(runs.trials.items())), dict(reversed(runs.tests.items())))
    for left in (1, 3, 20):
        assert next_run(belief, runs, seconds, left, 2) == next_run(belief, again, seconds, left, 2)


def test_a_borrowed_trial_counts_until_the_tests():
    runs = Runs({"a": 70.0, "b": 75.0}, {"a": [78.0, 79.0]})
    assert runs.known() == {"a": [78.0, 79.0], "b": [75.0]}


def test_noise_is_pooled_over_checkpoints():
    assert seed_noise({"a": [1.0, 3.0], "b": [5.0]}) == pytest.approx(np.sqrt((2 * 0.25 + 2.0) / 3))
    many = {name: np.random.default_rng(i).normal(80, 2, 50).tolist() for i, name in enumerate(NAMES)}
    assert seed_noise(many) == pytest.approx(2.0, rel=0.1)


def test_three_of_ten_on_a_hub_left_out_lose_at_most_a_tenth_of_a_point():
    hubs = shipped_hubs()
    tll = hubs["tll"]
    trained = from_hub(tll)
    found = raced(tll, fit_combination({name: hub for name, hub in hubs.items() if name != "tll"}), [0.3], trained)
    lost = found.groupby("method")["lost"].mean()
    assert lost["race, prior: static"] <= 0.1 and lost["race, prior: ImageNet"] <= 0.1
    assert lost["race, prior: none"] <= lost["LogME's order"] + 1e-9
    by_hand = [  # three of ten at random, all 120 subsets
        np.mean([truth.max() - truth[list(three)].max() for three in combinations(truth.index, 3)])
        for _, truth in tll.accuracies.items()
    ]
    assert lost["random order"] == pytest.approx(np.mean(by_hand), abs=0.1)
    whole = raced(tll, shipped_parameters(), [1.0], trained)
    assert (whole["lost"] == 0).all()


@pytest.fixture(scope="module")
def evidence():
    """The evidence study with its single runs, and parameters that are fitted without it."""
    hubs = shipped_hubs()
    seeds = read_csv(EVIDENCE / "evidence-seeds.csv")
    entries = read_yaml(ROOT / "studies/evidence-catalogue.yaml")["checkpoints"]
    kinds = {
        name: entries.get(name, {"architecture": "tiny-resnet"})["architecture"]
        for name in hubs["evidence"].accuracies.index
    }
    return (
        hubs["evidence"],
        from_seeds(hubs["evidence"], seeds, kinds),
        fit_combination(without_hub(hubs, "evidence", "")),
    )


def test_the_runs_of_the_evidence_study_are_those_of_its_table(evidence):
    hub, trained, _ = evidence
    for dataset, truth in hub.accuracies.items():
        for one in trained[dataset]:
            np.testing.assert_allclose(one.tests.mean(axis=1), truth, atol=1e-6)
            np.testing.assert_allclose(one.trials[np.arange(30), one.chosen], one.tests[:, 0])
            assert one.search == 3 and np.isfinite(one.trials).all()


def test_at_half_of_the_cost_the_race_beats_every_order(evidence):
    """At a quarter, one dataset decides, and with it the random draws of a NumPy release (docs/budget.md)."""
    hub, trained, parameters = evidence
    found = raced(hub, parameters, [0.25, 0.5], trained).groupby(["share", "method"])["lost"].mean()
    half, quarter = found.loc[0.5], found.loc[0.25]
    orders = half[[name for name in half.index if not name.startswith("race")]]
    for prior in ("static", "none"):
        assert half[f"race, prior: {prior}"] <= 0.05 < orders.min() / 5
        assert quarter[f"race, prior: {prior}"] < quarter["random order"] / 2


def test_no_budget_of_runs_is_exceeded(evidence):
    """Runs are counted again from what the race has bought."""
    hub, trained, parameters = evidence
    found = raced(hub, parameters, [0.1, 0.5], trained)
    races = found[found["method"].str.startswith("race")]
    assert (races[races["share"] == 0.1]["tried"] <= 24 - 3).all()  # one search at least
    assert (races["tried"] <= 30).all() and (races["lost"] >= 0).all()
