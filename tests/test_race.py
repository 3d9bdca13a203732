"""The race: exact posteriors, expected regret by formulas, and what a budget must buy."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

from pedrank.ranking.belief import Belief, drawn, measured, prior_belief, regret_left, seed_noise
from pedrank.ranking.combination_fit import fit_combination
from pedrank.ranking.combine import combine, shipped_parameters
from pedrank.ranking.race import next_run, round_sizes, winner
from pedrank.ranking.race_judge import raced
from pedrank.ranking.shipped_hubs import shipped_hubs

NAMES = tuple("abcdef")


def _belief(n=6, seed=0, scales=1):
    random = np.random.default_rng(seed)
    roots = random.normal(size=(scales, n, n))
    weights = random.dirichlet(np.ones(scales))
    return Belief(NAMES[:n], weights, random.normal(80, 5, (scales, n)), roots @ roots.swapaxes(1, 2))


def _race(belief, truth, budget, seeds=1, noise=0.0, costs=None):
    random = np.random.default_rng(0)
    costs = costs or dict.fromkeys(belief.names, 1.0)
    runs, left = {}, budget
    while (name := next_run(belief, runs, costs, costs, left, seeds)) is not None:
        runs.setdefault(name, []).append(truth[name] + noise * random.normal())
        left -= costs[name]
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
        assert sum(map(len, runs.values())) == budget
        pick, after = winner(belief, runs)
        assert truth[pick] == max(truth[name] for name in runs)
        lost.append(regret_left(after, pick))
    assert pick == max(truth, key=truth.get)
    assert lost[0] > lost[-1]
    assert regret_left(measured(belief, runs, 0.0), pick) == 0


def test_rounds_halve_and_share_seeds():
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    truth = dict(zip(NAMES, [70, 72, 74, 76, 78, 80.0], strict=True))
    runs = _race(belief, truth, budget=100, seeds=3, noise=0.1)
    assert sorted(map(len, runs.values())) == [1, 1, 1, 2, 3, 3]
    assert [name for name in NAMES if len(runs[name]) > 1] == ["d", "e", "f"]
    assert round_sizes(6, 3) == [6, 3, 2]


@pytest.mark.parametrize("budget", [0, 0.5, 1, 2, 3, 4, 5, 7.5, 11, 40])
def test_no_budget_is_exceeded_and_none_is_left_that_a_round_could_use(budget):
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    costs = dict(zip(NAMES, [1.0, 2, 3, 1, 2, 3], strict=True))
    runs = _race(belief, dict.fromkeys(NAMES, 80.0), budget, seeds=3, noise=0.5, costs=costs)
    assert sum(costs[name] * len(values) for name, values in runs.items()) <= budget
    assert bool(runs) == (budget >= 1)


def test_an_expensive_checkpoint_enters_later():
    belief = prior_belief(pd.DataFrame({"logme": [5.0, 4.0, 3.9, 1, 1, 1]}, index=NAMES))
    first = dict.fromkeys(NAMES, 1.0) | {"b": 20.0}
    assert next_run(belief, {"a": [80.0]}, dict.fromkeys(NAMES, 1.0), first, 100, seeds=1) == "b"
    assert next_run(belief, {"a": [80.0]}, first, first, 100, seeds=1) == "c"


def test_an_interrupted_race_continues_as_it_would_have():
    """The next run depends on the runs so far alone, in whatever order a table lists them."""
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    runs = _race(belief, dict(zip(NAMES, [70, 80, 74, 76, 78, 72.0], strict=True)), 4, seeds=2, noise=0.3)
    costs = dict.fromkeys(NAMES, 1.0)
    again = dict(reversed(runs.items()))
    assert next_run(belief, runs, costs, costs, 3, 2) == next_run(belief, again, costs, costs, 3, 2)


def test_noise_is_pooled_over_checkpoints():
    assert seed_noise({"a": [1.0, 3.0], "b": [5.0]}) == pytest.approx(np.sqrt((2 * 0.25 + 2.0) / 3))
    many = {name: np.random.default_rng(i).normal(80, 2, 50).tolist() for i, name in enumerate(NAMES)}
    assert seed_noise(many) == pytest.approx(2.0, rel=0.1)


def test_three_of_ten_on_a_hub_left_out_lose_at_most_a_tenth_of_a_point():
    hubs = shipped_hubs()
    tll = hubs["tll"]
    found = raced(tll, fit_combination({name: hub for name, hub in hubs.items() if name != "tll"}), [0.3])
    lost = found.groupby("method")["lost"].mean()
    assert lost["race, prior: static"] <= 0.1 and lost["race, prior: ImageNet"] <= 0.1
    assert lost["race, prior: none"] <= lost["LogME's order"] + 1e-9
    by_hand = [  # three of ten at random, all 120 subsets
        np.mean([truth.max() - truth[list(three)].max() for three in combinations(truth.index, 3)])
        for _, truth in tll.accuracies.items()
    ]
    assert lost["random order"] == pytest.approx(np.mean(by_hand), abs=0.1)
    whole = raced(tll, shipped_parameters(), [1.0])
    assert (whole["lost"] == 0).all()
