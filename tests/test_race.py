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
from pedrank.ranking.race import Runs, Seconds, Step, gains_of, next_step, winner
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


def _race(belief, truth, budget, seeds=1, noise=0.0, costs=None, search=0.0, gain=0.0):
    """The runs that a budget buys, and what is left of it.

    Args:
        belief: Before any run.
        truth: Accuracy by checkpoint, with a borrowed learning rate.
        budget: Seconds.
        seeds: Most seeds.
        noise: Standard deviation over seeds.
        costs: Seconds of a run by checkpoint; 1 if left out.
        search: Seconds of a search. Only the first checkpoint searches before its first run.
        gain: Points that the own learning rate brings; all runs are then repeated with it.
    """
    random = np.random.default_rng(0)
    run = costs or dict.fromkeys(belief.names, 1.0)
    to_search = dict.fromkeys(belief.names, search)
    runs, left = Runs({}, {}), budget
    while True:
        first = {name: each + (0 if runs.first else search) for name, each in run.items()}
        step = next_step(belief, runs, Seconds(first, to_search, run), left, seeds)
        if step is None:
            return runs, left
        name, now = step
        if now:
            again = [value + gain for value in runs.first[name]]
            runs.own[name], to_search = again, to_search | {name: 0.0}
            left -= search + (len(again) * run[name] if gain else 0)
            continue
        if name not in runs.first:
            to_search |= {} if runs.first else {name: 0.0}
            left -= first[name]
        else:
            left -= run[name]
        of = runs.own[name] if name in runs.own else runs.first.setdefault(name, [])
        of.append(truth[name] + gain * (name in runs.own) + noise * random.normal())


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
        runs, left = _race(belief, truth, budget)
        assert len(runs.first) == budget and not runs.own and left == 0
        pick, after = winner(belief, runs)
        assert truth[pick] == max(truth[name] for name in runs.first)
        lost.append(regret_left(after, pick))
    assert pick == max(truth, key=truth.get)
    assert lost[0] > lost[-1]
    assert regret_left(measured(belief, runs.known(), 0.0), pick) == 0


@pytest.mark.parametrize("gap", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.8])
def test_the_gain_of_a_run_is_the_formula_for_two(gap, noise):
    """E max(0, s z - gap) = s pdf(gap / s) - gap cdf(-gap / s), with s the move of the difference of both."""
    belief = Belief(("a", "b"), np.ones(1), np.array([[80.0 + gap, 80.0]]), np.array([[[1.0, 0.3], [0.3, 2.0]]]))
    spread = (2.0 - 0.3) / np.sqrt(2.0 + noise**2)
    expected = spread * norm.pdf(gap / spread) - gap * norm.cdf(-gap / spread)
    assert gains_of(belief, ["b"], noise)[0] == pytest.approx(expected, abs=0.02)


def test_the_gain_of_a_run_is_what_simulated_runs_gain():
    """Draw the accuracy from the belief, add the noise of a seed, and update the belief by it."""
    belief, noise = _belief(scales=1), 0.7
    random, after = np.random.default_rng(0), []
    for _ in range(4000):
        y = random.normal(belief.means[0, 2], np.sqrt(belief.covariances[0, 2, 2] + noise**2))
        after.append(measured(belief, {"c": [y]}, noise).mean().max())
    error = np.std(after) / np.sqrt(len(after))
    assert gains_of(belief, ["c"], noise)[0] == pytest.approx(
        np.mean(after) - belief.mean().max(), abs=4 * error + 0.02
    )


def test_a_run_of_a_known_accuracy_gains_nothing():
    after = measured(_belief(), {"a": [80.0], "b": [85.0]}, 0.0)
    assert gains_of(after, ["a", "b"], 0.0) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_close_checkpoints_get_further_seeds_and_hopeless_ones_none():
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    truth = dict(zip(NAMES, [40, 42, 44, 46, 79.5, 80.0], strict=True))
    runs, _ = _race(belief, truth, budget=10, seeds=5, noise=0.5)
    counts = {name: len(values) for name, values in runs.known().items()}
    assert counts == dict.fromkeys("abcd", 1) | {"e": 3, "f": 3} or min(counts["e"], counts["f"]) > 1
    assert all(counts.get(name, 0) <= 1 for name in "abcd")


@pytest.mark.parametrize("gain", [0.0, 2.0])
def test_the_winner_searches_its_learning_rate(gain):
    """Time is kept for its search and, where that finds another rate, for its runs again."""
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    truth = dict(zip(NAMES, [40, 42, 44, 81.0, 50, 45.0], strict=True))
    for budget in (9, 12, 20, 60):
        runs, left = _race(belief, truth, budget, seeds=3, noise=0.2, search=4.0, gain=gain)
        pick, _ = winner(belief, runs)
        first = next(iter(runs.first))  # has searched before its first run
        assert left >= 0 and (pick == first or pick in runs.own)
    assert pick == "d" and set(runs.own) == {"d"}


@pytest.mark.parametrize("budget", [0, 0.5, 1, 2, 3, 4, 5, 7.5, 11, 40])
@pytest.mark.parametrize("search", [0.0, 3.0])
def test_no_budget_is_exceeded(budget, search):
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    costs = dict(zip(NAMES, [1.0, 2, 3, 1, 2, 3], strict=True))
    runs, left = _race(
        belief, dict.fromkeys(NAMES, 80.0), budget, seeds=3, noise=0.5, costs=costs, search=search, gain=search
    )
    assert left >= 0
    spent = sum(costs[name] * len(values) for of in runs for name, values in of.items())
    assert spent + search * (bool(runs.first) + len(runs.own)) == pytest.approx(budget - left)
    assert bool(runs.first) == (budget >= 1 + search)


def test_time_for_the_search_of_an_expensive_checkpoint_keeps_no_cheap_one_out():
    belief = prior_belief(pd.DataFrame({"logme": [5.0, 4, 3, 2, 1, 0]}, index=NAMES))
    one = dict.fromkeys(NAMES, 1.0)
    dear = one | {"f": 500.0}
    runs = Runs({"a": [80.0]}, {})
    assert next_step(belief, runs, Seconds(dear, dear | {"a": 0.0}, dear), 20, seeds=3) in map(Step, "abcde")


def test_an_expensive_checkpoint_enters_later():
    belief = prior_belief(pd.DataFrame({"logme": [5.0, 4.0, 3.9, 1, 1, 1]}, index=NAMES))
    even = dict.fromkeys(NAMES, 1.0)
    runs, dear, none = Runs({"a": [80.0]}, {}), even | {"b": 20.0}, dict.fromkeys(NAMES, 0.0)
    assert next_step(belief, runs, Seconds(even, none, dear), 100, seeds=1) == Step("b")
    assert next_step(belief, runs, Seconds(dear, none, dear), 100, seeds=1) == Step("c")


def test_an_interrupted_race_continues_as_it_would_have():
    """The next step depends on the runs so far alone, in whatever order a table lists them."""
    belief = prior_belief(pd.DataFrame({"logme": np.arange(6.0)}, index=NAMES))
    truth = dict(zip(NAMES, [70, 80, 74, 76, 78, 72.0], strict=True))
    runs, _ = _race(belief, truth, 20, seeds=2, noise=0.3, search=2.0)
    seconds = Seconds(*[dict.fromkeys(NAMES, 1.0)] * 3)
    again = Runs(dict(reversed(runs.first.items())), dict(reversed(runs.own.items())))
    for left in (1, 3, 20):
        assert next_step(belief, runs, seconds, left, 2) == next_step(belief, again, seconds, left, 2)


def test_runs_with_a_borrowed_learning_rate_count_until_the_own_ones():
    runs = Runs({"a": [70.0, 71.0], "b": [75.0]}, {"a": [78.0, 79.0]})
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
            assert one.search == 3 and one.accuracies.shape == (30, 3, 5) and np.isfinite(one.accuracies).all()


def test_a_quarter_of_the_cost_loses_at_most_a_fifth_of_a_point(evidence):
    hub, trained, parameters = evidence
    found = raced(hub, parameters, [0.25, 0.5], trained).groupby(["share", "method"])["lost"].mean()
    for share in (0.25, 0.5):
        orders = found[share][[name for name in found[share].index if not name.startswith("race")]]
        for prior in ("static", "none"):
            assert found[share, f"race, prior: {prior}"] <= 0.2 < orders.min()


def test_no_budget_of_runs_is_exceeded(evidence):
    """Runs are counted again from what the race has bought."""
    hub, trained, parameters = evidence
    found = raced(hub, parameters, [0.1, 0.5], trained)
    races = found[found["method"].str.startswith("race")]
    assert (races[races["share"] == 0.1]["tried"] <= 24 - 3).all()  # one search at least
    assert (races["tried"] <= 30).all() and (races["lost"] >= 0).all()
