"""pedrank.combine: what it must not lose, on hubs left out, and every kind of table and prior."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, weightedtau

from pedrank import combine, metric_names
from pedrank.ranking.belief import prior_belief
from pedrank.ranking.combination_fit import fit_combination
from pedrank.ranking.combination_judge import (
    calibrated,
    independent,
    with_expected_slopes,
    without_dataset,
    without_hub,
)
from pedrank.ranking.combine import PARAMETERS, shipped_parameters
from pedrank.ranking.confidence import confidence
from pedrank.ranking.evidence_hub import hub_of
from pedrank.ranking.random_effects import fit_random_effects, indicators
from pedrank.ranking.shipped_hubs import shipped_hubs
from pedrank.store.artefacts import read_json
from pedrank.utils.errors import InputError

NAMES = ["byol", "swav", "dino", "mine", "moco", "simclr"]


@pytest.fixture(scope="module")
def hubs():
    return shipped_hubs()


@pytest.fixture(scope="module")
def fitted(hubs):
    """Parameters fitted without a hub."""
    return {left: fit_combination(without_hub(hubs, left, "")) for left in ("tll", "quickstart", "paper", "evidence")}


def _mean_tau(hub, scores_of):
    return np.mean([weightedtau(scores_of(d), hub.accuracies[d]).statistic for d in hub.accuracies])


def _table(hub, dataset):
    return hub.scores.get(dataset, hub.accuracies.iloc[:, :0])


@pytest.mark.parametrize(("name", "least"), [("tll", 0.7), ("quickstart", 0.5), ("paper", 0.55), ("evidence", 0.3)])
def test_never_below_the_prior_on_a_hub_left_out(hubs, fitted, name, least):
    hub = hubs[name]
    priors = [hub.static]
    priors += [lambda d: hub.imagenet.reindex(hub.accuracies.index)] if hub.imagenet is not None else []
    for prior in priors:
        alone = _mean_tau(hub, prior)
        combined = _mean_tau(hub, lambda d, of=prior: combine(_table(hub, d), of(d), fitted[name]))
        assert combined >= alone - 1e-12
        assert alone >= least


@pytest.mark.parametrize("name", ["tll", "quickstart", "paper", "evidence"])
def test_mean_accuracies_as_prior_lose_nothing_but_ties(hubs, fitted, name):
    """On TLL two checkpoints tie in the mean accuracy of seven datasets, and the features break this tie wrongly."""
    hub = hubs[name]
    means = {d: hub.accuracies.drop(columns=d).mean(axis=1) for d in hub.accuracies}
    combined = _mean_tau(hub, lambda d: combine(_table(hub, d), means[d], fitted[name]))
    assert combined >= _mean_tau(hub, means.get) - 0.005


def _hub_of_newer_metrics(seed):
    """Twelve checkpoints on four datasets: the linear probe follows the accuracies, LEAD and ITM hardly do."""
    random, names = np.random.default_rng(seed), [f"checkpoint-{i}" for i in range(12)]
    true = pd.DataFrame(random.normal(80, 5, size=(4, 12)), [f"dataset-{i}" for i in range(4)], names)
    noise = {"lead": 20.0, "itm": 10.0, "linear_probe": 0.5, "logme": 10.0}
    scores = {name: true + random.normal(0, sd, size=(4, 12)) for name, sd in noise.items()}
    long = [values.stack().rename("score").reset_index().assign(metric=name) for name, values in scores.items()]
    columns = {"level_0": "dataset", "level_1": "checkpoint"}
    accuracies = true.stack().rename("accuracy").reset_index().rename(columns=columns)
    return hub_of(accuracies, pd.concat(long).rename(columns=columns))


def test_newer_metrics_enter_where_the_evidence_has_them(hubs):
    newer = ["lead", "itm", "linear_probe"]
    assert set(newer) <= set(metric_names()) and set(newer) <= set(shipped_parameters()["validity"])
    shipped = without_hub(hubs, "evidence", "")  # hubs whose newer metrics were not computed
    fitted = fit_combination(shipped | {f"mine-{seed}": _hub_of_newer_metrics(seed) for seed in range(3)})
    for name in newer:
        assert (fitted["validity"][name]["hubs"], fitted["validity"][name]["datasets"]) == (3, 12)
    low = {name: fitted["validity"][name]["low"] for name in (*newer, "logme")}
    assert max(low, key=low.get) == "linear_probe"
    values = np.random.default_rng(5).normal(size=(6, 4))
    table = pd.DataFrame(values, index=NAMES, columns=[*newer, "logme"])
    # The metric that the evidence knows best leads: the probe now, LogME with the parameters that are shipped.
    assert weightedtau(combine(table, parameters=fitted), table["linear_probe"]).statistic == pytest.approx(1)
    assert weightedtau(combine(table), table["logme"]).statistic == pytest.approx(1)
    for name in newer:  # and none is ignored: without it, the values differ
        led = table if name == "linear_probe" else table.assign(linear_probe=0.0)
        assert not np.allclose(combine(led, parameters=fitted), combine(led.drop(columns=name), parameters=fitted))


def test_the_priors_have_the_tau_w_known_from_elsewhere(hubs):
    assert _mean_tau(hubs["tll"], lambda d: hubs["tll"].imagenet[hubs["tll"].accuracies.index]) == pytest.approx(
        0.72, abs=0.005
    )
    assert _mean_tau(hubs["tll"], hubs["tll"].static) == pytest.approx(0.75, abs=0.005)
    paper = hubs["paper"]
    assert _mean_tau(paper, lambda d: paper.imagenet[paper.accuracies.index]) == pytest.approx(0.572, abs=0.001)


@pytest.mark.parametrize("name", ["tll", "quickstart", "evidence"])
def test_without_a_prior_above_the_mean_of_the_metrics_on_a_hub_left_out(hubs, fitted, name):
    hub = hubs[name]
    found = _mean_tau(hub, lambda d: combine(hub.scores[d], None, fitted[name]))
    single = [
        weightedtau(hub.scores[d][metric], hub.accuracies[d]).statistic
        for d in hub.accuracies
        for metric in hub.scores[d]
        if "+" not in metric and hub.scores[d][metric].notna().all()
    ]
    assert found > np.mean(single)
    assert found >= _mean_tau(hub, lambda d: hub.scores[d]["logme"]) - 0.005


@pytest.mark.parametrize("name", ["tll", "quickstart", "evidence"])
def test_features_add_where_the_prior_is_silent(hubs, fitted, name):
    hub, random = hubs[name], np.random.default_rng(3)
    gains = []
    for dataset in hub.accuracies:
        for _ in range(30):
            prior = hub.static(dataset).mask(random.permutation(len(hub.accuracies)) % 2 == 0)
            tables = hub.scores[dataset], hub.accuracies.iloc[:, :0]
            both, alone = (
                weightedtau(combine(table, prior, fitted[name]), hub.accuracies[dataset]).statistic for table in tables
            )
            gains.append(both - alone)
    assert np.mean(gains) > 0.03


def test_the_traps_of_tll_are_left_out(hubs):
    assert not {"nce", "h_score"} & set(hubs["tll"].scores["dtd"])
    assert {"nce", "h_score"} <= set(hubs["tll"].scores["pets"])


def test_the_quickstart_is_never_evidence_beside_the_study_that_holds_it(hubs):
    assert "quickstart" not in independent(hubs)
    assert not {"quickstart", "evidence"} & (
        set(without_hub(hubs, "quickstart", "")) | set(without_hub(hubs, "evidence", ""))
    )
    assert "evidence" not in without_dataset(hubs, "quickstart", "digits")
    assert "quickstart" not in without_dataset(hubs, "evidence", "digits")
    assert "digits" not in without_dataset(hubs, "evidence", "digits")["evidence"].accuracies
    inner, outer = hubs["quickstart"].accuracies, hubs["evidence"].accuracies
    assert set(inner.index) <= set(outer.index) and set(inner) <= set(outer)


def test_the_shipped_parameters_are_those_of_the_shipped_evidence(hubs):
    shipped, again = read_json(PARAMETERS), fit_combination(independent(hubs))
    assert set(shipped["card"]["hubs"]) == set(hubs)
    for name, metric in again["validity"].items():
        assert shipped["validity"][name]["low"] == pytest.approx(metric["low"], abs=0.01)
    for name, slopes in again["slopes"].items():
        np.testing.assert_allclose(shipped["slopes"][name]["low"], slopes["low"], atol=0.02)
        np.testing.assert_allclose(shipped["slopes"][name]["mean"], slopes["mean"], atol=0.02)


def test_the_prior_leads_and_features_break_its_ties():
    table = pd.DataFrame({"logme": [6.0, 5, 4, 3, 2, 1]}, index=NAMES)
    prior = pd.Series([70.0, 71, 71, 72, 73, 74], NAMES)
    assert combine(table, prior).sort_values().index.tolist() == ["byol", "dino", "swav", "mine", "moco", "simclr"]


def test_features_place_a_checkpoint_without_a_prior():
    table = pd.DataFrame({"logme": [1.0, 2, 3, 4, 5, 6]}, index=NAMES)
    prior = pd.Series({"byol": 75.0, "swav": 74, "dino": 73, "moco": 72, "simclr": 71})
    assert combine(table, prior).rank()["mine"] == 4
    assert combine(table, prior)[prior.index].rank().tolist() == [5, 4, 3, 2, 1]
    assert combine(table, prior.iloc[:1]).rank().tolist() == [1, 2, 3, 4, 5, 6]  # one prior compares nothing


def test_what_tells_nothing_drops_out():
    table = pd.DataFrame({"logme": [1.0, 2, 3, 4, 5, 6], "parc": 1.0, "sfda": np.nan}, index=NAMES)
    only = combine(table[["logme"]])
    pd.testing.assert_series_equal(combine(table), only)
    assert (combine(table[["parc", "sfda"]]) == 0).all()
    assert (combine(table[[]]) == 0).all()
    pd.testing.assert_series_equal(combine(table, pd.Series(np.nan, NAMES)), only)
    pd.testing.assert_series_equal(combine(table, pd.Series(5.0, NAMES)), only)
    pd.testing.assert_series_equal(combine(table, pd.Series(dtype=float)), only)


def test_other_metrics_stand_in_where_the_leader_is_undefined():
    table = pd.DataFrame({"logme": [1.0, 2, np.nan, 4, 5, 6], "sfda": [1.0, 2, 9, 4, 5, 6]}, index=NAMES)
    assert combine(table).idxmax() == "dino"
    assert combine(table).notna().all()


@pytest.mark.parametrize("seed", range(20))
def test_any_table_gets_an_order_that_ranks_alone_decide(seed):
    random = np.random.default_rng(seed)
    n, names = random.integers(2, 30), [*metric_names(), "my_metric"]
    table = pd.DataFrame(random.normal(size=(n, len(names))), columns=names).sample(frac=0.5, axis=1, random_state=seed)
    table = table.mask(random.random(table.shape) < 0.2).round(1)
    prior = pd.Series(random.normal(size=n).round(1)).mask(random.random(n) < 0.4)
    found = combine(table, prior)
    assert found.index.equals(table.index) and np.isfinite(found).all()
    pd.testing.assert_series_equal(combine(np.exp(table), prior * 100 + 7), found)  # units do not matter
    shuffled = table.sample(frac=1, random_state=seed).sample(frac=1, axis=1, random_state=seed)
    pd.testing.assert_series_equal(combine(shuffled, prior)[table.index], found)
    known = prior.dropna()
    ahead = np.sign(known.to_numpy()[:, None] - known.to_numpy())
    assert (np.sign(found[known.index].to_numpy()[:, None] - found[known.index].to_numpy()) * ahead >= 0).all()
    assert ((np.abs(np.subtract.outer(*[found[known.index].to_numpy()] * 2)) > 0) | (ahead == 0)).all()


def test_infinite_scores_are_ranked():
    table = pd.DataFrame({"logme": [-np.inf, 2, 3, 4, 5, 6.0]}, index=NAMES)
    assert combine(table).idxmin() == "byol"


def test_what_cannot_be_combined_is_one_line():
    table = pd.DataFrame({"logme": [1.0, 2.0]}, index=["a", "b"])
    for bad, prior, words in (
        (table.set_axis(["a", "a"]), None, "'a' occurs twice"),
        (table.astype(str).replace("1.0", "x"), None, "no number"),
        (table, pd.Series({"c": 1.0}), "names no checkpoint of the table"),
        (table, pd.Series([1.0, 2.0], ["a", "a"]), "occurs twice"),
    ):
        with pytest.raises(InputError, match=words):
            combine(bad, prior)


def test_a_follower_weighs_only_with_three_hubs_and_a_lower_end_above_zero(fitted):
    table = pd.DataFrame({"logme": [1.0, 2, 3, 4, 5, 6][::-1]}, index=NAMES)
    prior = pd.Series([70.0, 71, 72, 73, 74, 75], NAMES)
    slopes = shipped_parameters()["slopes"]["prior+features"]
    for hubs, low, changed in ((2, 2.0, False), (3, -0.1, False), (3, 2.0, True)):
        strong = {**slopes, "hubs": hubs, "low": [1.0, low]}
        parameters = {**shipped_parameters(), "slopes": {**shipped_parameters()["slopes"], "prior+features": strong}}
        assert (combine(table, prior, parameters).idxmax() != "simclr") == changed
    expected = with_expected_slopes(shipped_parameters())["slopes"]["prior+features"]
    assert expected["low"] == expected["mean"] and expected["hubs"] >= 3


def test_random_effects_are_the_conditional_normal():
    random = np.random.default_rng(0)
    hubs, x = np.repeat(np.arange(4), 6).tolist(), random.normal(size=(24, 2))
    z = indicators(hubs, x[:, 0])
    y = x @ [0.7, -0.2] + z @ random.normal(size=4) * 0.4 + random.normal(size=24) * 0.5
    fit = fit_random_effects(y, x, {"hub": z})
    joint = np.eye(6)
    joint[2:, 2:] *= fit.sd["hub"] ** 2  # b, and t u
    design = np.column_stack([x, z])
    precision = design.T @ design / fit.residual_sd**2 + np.linalg.inv(joint)
    mean = np.linalg.solve(precision, design.T @ y / fit.residual_sd**2)
    np.testing.assert_allclose([*fit.mean, *fit.effects["hub"]], mean, rtol=1e-6)
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(precision)[:2, :2], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(fit.effects_sd["hub"] ** 2, np.diag(np.linalg.inv(precision))[2:], rtol=1e-6)

    def loss(sd, residual):  # the marginal likelihood by SciPy
        covariance = x @ x.T + sd**2 * z @ z.T + residual**2 * np.eye(24)
        return -multivariate_normal(np.zeros(24), covariance).logpdf(y) - np.log(sd) + sd / 0.2

    best = loss(fit.sd["hub"], fit.residual_sd)
    assert all(
        best <= loss(fit.sd["hub"] * a, fit.residual_sd * b) + 1e-6 for a in (0.97, 1, 1.03) for b in (0.97, 1, 1.03)
    )


def test_pure_noise_counts_as_rows_of_zeros():
    random = np.random.default_rng(1)
    y, x, noise = random.normal(size=8), random.normal(size=(8, 1)), random.normal(size=5)
    z = indicators([0, 0, 0, 0, 1, 1, 1, 1], x[:, 0])
    short = fit_random_effects(y, x, {"hub": z}, 5, float(noise @ noise))
    long = fit_random_effects(np.append(y, noise), np.pad(x, ((0, 5), (0, 0))), {"hub": np.pad(z, ((0, 5), (0, 0)))})
    np.testing.assert_allclose(short.mean, long.mean, rtol=1e-4)
    assert short.residual_sd == pytest.approx(long.residual_sd, rel=1e-4)


@pytest.mark.parametrize("with_prior", [True, False])
def test_confidence_is_that_of_simulated_accuracies(with_prior):
    """The quadrature against 200,000 draws from the model."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({"logme": random.normal(size=6)}, index=NAMES)
    prior = pd.Series(random.normal(size=6), NAMES) if with_prior else None
    parameters = shipped_parameters()
    slopes = parameters["slopes"]["prior" if with_prior else "features"]
    x = combine(table, prior).to_numpy()[:, None]
    drawn = random.multivariate_normal(slopes["mean"], slopes["covariance"], 200_000) @ x.T
    drawn += slopes["residual_sd"] * random.normal(size=drawn.shape)
    points = np.exp(parameters["points"]["log_mean"] + parameters["points"]["log_sd"] * random.normal(size=len(drawn)))
    answer = confidence(table, prior)
    lost = points * (drawn.max(axis=1) - drawn[:, NAMES.index(answer.pick)])
    assert answer.within_one == pytest.approx((lost <= 1).mean(), abs=0.02)
    assert answer.regret == pytest.approx(lost.mean(), rel=0.05)
    assert answer.high == pytest.approx(np.quantile(lost, 0.95), rel=0.05)


@pytest.mark.parametrize("pick", [None, "mine", "moco"])
def test_confidence_is_that_of_draws_from_the_belief(pick):
    """Half of the priors are known; any checkpoint can be judged, and the first by default."""
    random = np.random.default_rng(1)
    table = pd.DataFrame(random.normal(size=(6, 3)), columns=["logme", "sfda", "knn"], index=NAMES)
    prior = pd.Series(random.normal(size=3), NAMES[:3])
    belief = prior_belief(table, prior)
    assert list(belief.names) == NAMES
    answer = confidence(table, prior, pick=pick)
    assert answer.basis == "both" and answer.pick == (pick or combine(table, prior).idxmax())
    within_one = regret = 0.0
    for weight, mean, covariance in zip(belief.weights, belief.means, belief.covariances, strict=True):
        drawn = random.multivariate_normal(mean, covariance, 50_000)
        lost = drawn.max(axis=1) - drawn[:, NAMES.index(answer.pick)]
        within_one += weight * (lost <= 1).mean()
        regret += weight * lost.mean()
    assert answer.within_one == pytest.approx(within_one, abs=0.02)
    assert answer.regret == pytest.approx(regret, rel=0.02)


def test_no_answer_is_sure_that_hubs_left_out_do_not_confirm():
    random = np.random.default_rng(0)
    assert shipped_parameters()["card"]["calibrated"] == []
    for n in (2, 3, 10):
        for _ in range(5):
            table = pd.DataFrame(random.normal(size=(n, 3)), columns=["logme", "sfda", "parc"])
            for prior in (None, pd.Series(random.normal(size=n))):
                assert confidence(table, prior).word in ("likely", "open")


def test_a_tie_for_the_first_place_and_an_empty_table_are_open():
    table = pd.DataFrame({"logme": [1.0, 5, 5, 2, 3, 4]}, index=NAMES)
    assert confidence(table).word == "open"
    nothing = confidence(table[[]])
    assert (nothing.word, nothing.basis) == ("open", "nothing")


def test_sure_needs_many_confirmed_answers_of_three_hubs():
    right = pd.DataFrame({"hub": ["a", "b", "c", "d"] * 6, "basis": "prior", "within_one": 0.95, "lost": 0.1})
    assert calibrated(right) == ["prior"]
    assert calibrated(right.assign(hub="a")) == []
    assert calibrated(right.head(12)) == []
    assert calibrated(right.assign(lost=[2.0] * 4 + [0.0] * 20)) == []
