"""Scores for real numbers and several labels: published equations in plain algebra, and scikit-learn as a judge."""

import re

import numpy as np
import pytest
from golden import clusters
from sklearn.datasets import load_diabetes
from sklearn.linear_model import BayesianRidge, RidgeCV
from sklearn.metrics import average_precision_score, r2_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

from pedrank import metric_names, score
from pedrank.metrics.linear_probe import PENALTIES
from pedrank.regression.knn_regression import knn_outputs
from pedrank.regression.logme_regression import logme_regression
from pedrank.regression.probe_regression import probe_outputs
from pedrank.regression.target_fit import mean_average_precision, r_squared
from pedrank.regression.target_folds import target_folds, target_halves, target_order
from pedrank.regression.target_score import target_score
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT


def plain(x, y, rank=None):
    """The published algorithm for one column of targets (You et al. 2021, 2022), in D x D matrices."""
    n, d = x.shape
    scatter, b = x.T @ x, x.T @ y
    alpha = beta = 1.0
    for _ in range(11):
        t = alpha / beta
        posterior = np.linalg.inv(t * np.eye(d) + scatter)  # times 1 / beta, it is the covariance of the weights
        weights = posterior @ b
        gamma = np.trace(scatter @ posterior)
        m2, r2 = weights @ weights, np.square(y - x @ weights).sum()
        alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (r2 + 1e-5)
        if abs(alpha / beta - t) <= 1e-3 * t:
            break
    # The released code sums ln(alpha + beta s^2) over the singular values only: `rank` of them.
    log_det = np.linalg.slogdet(alpha * np.eye(d) + beta * scatter)[1] - (d - (rank or d)) * np.log(alpha)
    evidence = d * np.log(alpha) + n * np.log(beta) - log_det - beta * r2 - alpha * m2 - n * np.log(2 * np.pi)
    return evidence / 2 / n


def data(n, d, k=2, shift=0.0, scale=1.0, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d)) * np.linspace(0.3, 3, d) + 0.5
    weights = random.normal(size=(d, k)) * (random.random((d, k)) < 0.5)
    return x, scale * (x @ weights + random.normal(size=(n, k))) + shift


def test_logme_on_a_worked_example():
    """Two features and four samples: every step of the fixed point by hand.

    S = [[2, 0], [0, 3]], b = [5, 6], y'y = 27. With weights w = b / (diag(S) + t), m2 = |w|^2, and
    r2 = y'y - 2 w'b + w'S w.
    """
    x = np.array([[1.0, 0], [1, 0], [0, 1], [0, np.sqrt(2)]])
    y = np.array([2.0, 3, 3, 3 / np.sqrt(2)])
    np.testing.assert_allclose(x.T @ y, [5, 6])
    yy = y @ y
    t = 1.0
    for _ in range(11):
        w = 5 / (2 + t), 6 / (3 + t)
        gamma = 2 / (2 + t) + 3 / (3 + t)
        m2 = w[0] ** 2 + w[1] ** 2
        r2 = yy - 2 * (5 * w[0] + 6 * w[1]) + 2 * w[0] ** 2 + 3 * w[1] ** 2
        alpha, beta = gamma / (m2 + 1e-5), (4 - gamma) / (r2 + 1e-5)
        if abs(alpha / beta - t) <= 1e-3 * t:
            break
        t = alpha / beta
    determinant = (alpha + 2 * beta) * (alpha + 3 * beta)
    evidence = np.log(alpha) + 2 * np.log(beta) - np.log(determinant) / 2 - beta * r2 / 2 - alpha * m2 / 2
    expected = (evidence - 2 * np.log(2 * np.pi)) / 4
    assert logme_regression(x, y) == pytest.approx(expected, rel=1e-12)
    assert plain(x, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "case",
    [(50, 6), (20, 45), (30, 30), (60, 5, 3, 1e4), (25, 40, 1, -1e4), (60, 5, 1, 0.0, 1e-3), (60, 5, 1, 0.0, 1e5)],
    ids=["N > D", "N < D", "N = D", "far from zero", "far, N < D", "small", "large"],
)
def test_logme_equals_the_published_algorithm(case):
    x, y = data(*case)
    rank = min(x.shape)
    released = [plain(x, column, rank) for column in y.T]
    assert logme_regression(x, y) == pytest.approx(np.mean(released), rel=1e-7)
    assert logme_regression(x, y, mode="paper") == pytest.approx(np.mean([plain(x, each) for each in y.T]), rel=1e-7)
    assert logme_regression(x, y[:, 0]) == pytest.approx(released[0], rel=1e-7)


def test_a_dead_feature_is_no_direction_of_the_released_code():
    x, y = data(40, 6, 1)
    x[:, 2] = 0
    assert logme_regression(x, y) == pytest.approx(plain(x, y[:, 0], 5), rel=1e-9)
    assert logme_regression(x, y, mode="paper") == pytest.approx(plain(x, y[:, 0]), rel=1e-9)


@pytest.mark.parametrize("shape", [(60, 6), (30, 50)], ids=["N > D", "N < D"])
def test_logme_is_the_maximum_that_scikit_learns_bayesian_ridge_finds(shape):
    """Its fixed point goes on for longer (226 steps where N < D), but the evidence is flat near its maximum."""
    x, y = data(*shape, 1)
    none = dict.fromkeys(("alpha_1", "alpha_2", "lambda_1", "lambda_2"), 0)
    model = BayesianRidge(fit_intercept=False, compute_score=True, max_iter=2000, tol=1e-9, **none)
    best = model.fit(x, y[:, 0]).scores_[-1] / len(x)
    assert logme_regression(x, y, mode="paper") == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("shape", [(90, 7, 3), (40, 60, 4)], ids=["N > D", "N < D"])
@pytest.mark.parametrize("mode", ["as_released", "paper"])
@pytest.mark.filterwarnings("ignore:logme")
def test_one_hot_targets_give_the_score_of_classes(shape, mode):
    features, labels = clusters(*shape)
    one_hot = np.eye(shape[2])[labels]
    expected = score("logme", features, labels, mode=mode)
    assert logme_regression(features, one_hot, mode) == pytest.approx(expected, rel=1e-6)
    assert target_score("logme", features, one_hot, task="labels", mode=mode) == pytest.approx(expected, rel=1e-6)


def test_standardised_it_depends_on_neither_means_nor_scales():
    x, y = data(60, 6)
    rows = x - x.mean(axis=0)
    rows /= np.sqrt(np.square(np.linalg.norm(rows, axis=1)).mean())
    expected = np.mean([plain(rows, (each - each.mean()) / each.std()) for each in y.T])
    for found in (
        logme_regression(x, y, standardised=True),
        logme_regression(x + 9, 1e3 * y - 7, standardised=True),
        logme_regression(1e5 * x, y, standardised=True),
        logme_regression(1e-5 * x, y, standardised=True),
    ):
        assert found == pytest.approx(expected, rel=1e-6)
    assert logme_regression(x + 9, y + 50) - logme_regression(x, y + 50) > 0.1  # the published form, in contrast
    assert abs(logme_regression(1e5 * x, y) - logme_regression(x, y)) > 0.1


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("k", [1, 5])
def test_knn_is_scikit_learns_with_leave_one_out(k, distance):
    x, y = data(80, 6, 3, shift=100.0)
    model = KNeighborsRegressor(k, metric=distance)
    expected = cross_val_predict(model, x, y, cv=LeaveOneOut())
    np.testing.assert_allclose(knn_outputs(x, y, k, distance), expected, rtol=1e-12)
    found = target_score("knn", x, y, k=k, distance=distance)
    assert found == pytest.approx(r2_score(y, expected), rel=1e-12)


def test_neighbours_at_the_same_distance_share_the_last_place():
    x = np.array([[0.0], [1], [1], [1], [5], [6]])
    y = np.array([[10.0], [1], [2], [6], [0], [0]])
    assert knn_outputs(x, y, k=2)[0] == pytest.approx(3)  # two places for three neighbours: (1 + 2 + 6) / 3
    random = np.random.default_rng(0)
    x, y = random.integers(0, 4, size=(80, 2)).astype(float), random.normal(size=(80, 1))
    order = random.permutation(80)
    np.testing.assert_allclose(knn_outputs(x[order], y[order]), knn_outputs(x, y)[order], rtol=1e-12)


def test_knn_does_not_depend_on_the_size_of_its_steps(monkeypatch):
    x, y = data(50, 4)
    whole = knn_outputs(x, y)
    monkeypatch.setattr("pedrank.regression.knn_regression._ROWS", 7)
    np.testing.assert_allclose(knn_outputs(x, y), whole, rtol=1e-12)


@pytest.mark.parametrize("shape", [(60, 5), (40, 70)], ids=["N > D", "N < D"])
def test_the_probe_is_scikit_learns_ridge_with_the_penalty_chosen_in_each_training_set(shape):
    x, y = data(*shape, 3, shift=100.0)
    y[:, 2] *= 50
    fold = target_folds(y, 5)
    expected = np.empty_like(y)
    for number in range(5):
        test = fold == number
        penalties = PENALTIES * (~test).sum() * x[~test].var(axis=0).mean()
        model = RidgeCV(penalties, alpha_per_target=True).fit(x[~test], y[~test])
        expected[test] = model.predict(x[test])
    np.testing.assert_allclose(probe_outputs(x, y), expected, rtol=1e-6)
    assert target_score("linear_probe", x, y) == pytest.approx(r2_score(y, expected), rel=1e-6)
    assert 0.1 < r2_score(y, expected) < 1


def test_noise_explains_nothing():
    random = np.random.default_rng(0)
    noise, y = random.normal(size=(200, 300)), random.normal(size=200)
    assert -0.2 < target_score("linear_probe", noise, y) < 0.1
    assert target_score("knn", noise, y) < 0.1


def test_a_single_column_may_be_a_vector():
    x, y = data(40, 5, 1)
    for name in ("logme", "knn", "linear_probe"):
        assert target_score(name, x, y[:, 0]) == target_score(name, x, y)


def test_several_labels_are_judged_by_mean_average_precision():
    x, y = data(120, 5, 4)
    labels = (y > 1).astype(int)
    for name, outputs in (("linear_probe", probe_outputs), ("knn", knn_outputs)):
        expected = average_precision_score(labels, outputs(x, labels.astype(float)), average="macro")
        assert target_score(name, x, labels, task="labels") == pytest.approx(expected, rel=1e-12)
    assert target_score("logme", x, labels, task="labels") == logme_regression(x, labels)
    assert target_score("knn", x, labels.astype(bool), task="labels") == target_score("knn", x, labels, task="labels")


def test_average_precision_with_ties_is_scikit_learns():
    random = np.random.default_rng(0)
    labels, outputs = random.integers(0, 2, size=(60, 5)), random.integers(0, 4, size=(60, 5)) / 4
    expected = average_precision_score(labels, outputs, average="macro")
    assert mean_average_precision(labels, outputs) == pytest.approx(expected, rel=1e-12)
    assert r_squared(outputs, outputs) == 1


def test_folds_and_halves_spread_the_targets_and_do_not_depend_on_the_order_of_rows():
    random = np.random.default_rng(0)
    y = random.normal(size=(203, 1)) ** 3
    fold = target_folds(y, 5)
    assert np.ptp(np.bincount(fold)) <= 1
    assert np.ptp([np.median(y[fold == number]) for number in range(5)]) < 0.1 * y.std()
    order = random.permutation(203)
    np.testing.assert_array_equal(target_folds(y[order], 5), fold[order])
    halves = target_halves(y, 20, 5000)
    assert {len(rows) for rows in halves} == {102} and len({tuple(rows) for rows in halves}) == 20
    assert all((np.diff(rows) > 0).all() for rows in halves)
    assert {len(rows) for rows in target_halves(y, 3, 50)} == {50}


def test_a_rare_label_is_in_every_fold_and_half():
    random = np.random.default_rng(0)
    labels = (random.random((200, 4)) < [0.05, 0.4, 0.6, 0.5]).astype(float)
    labels[:3] = 0
    assert sorted(target_order(labels)) == list(range(200))
    fold = target_folds(labels, 5)
    rare = np.bincount(fold[labels[:, 0] == 1], minlength=5)
    assert rare.min() >= 1 and np.ptp(rare) <= 1
    assert all(labels[rows, 0].any() for rows in target_halves(labels, 20, 5000))


X, Y = data(12, 3, 1)
NAMES = ("logme", "knn", "linear_probe")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "features, targets, task, message",
    [
        (X, np.full(12, 3.5), "regression", "the targets are all 3.5 for all samples"),
        (X, np.c_[Y, np.zeros(12)], "regression", "column 1 of the targets is 0 for all samples"),
        (X, np.where(np.arange(12) == 4, np.nan, Y[:, 0]), "regression", r"row 4 has NaN or infinity \(1 such rows\)"),
        (X, np.where(np.arange(12) > 4, np.inf, Y[:, 0]), "regression", r"row 5 has NaN or infinity \(7 such rows\)"),
        (X[:1], Y[:1], "regression", r"targets have shape \(1, 1\); give those of 3 samples or more"),
        (X[:2], Y[:2], "regression", r"targets have shape \(2, 1\); give those of 3 samples or more"),
        (X[:0], Y[:0], "regression", "give those of 3 samples or more"),
        (np.repeat(X[:1], 12, axis=0), Y, "regression", "all features are the same for all samples"),
        (X[:5], Y, "regression", "features: 5 rows but 12 labels"),
        (np.where(X[3, 1] == X, np.nan, X), Y, "regression", "features: row 3 holds NaN or infinity"),
        (X, np.array(["a"] * 12), "regression", "targets must be real numbers, not <U1"),
        (X, Y[:, :, None], "regression", r"targets must have shape \(N,\) or \(N, K\)"),
        (X, Y > 0, "labels", "targets must have shape .N, K., with a column for each of K >= 2 labels"),
        (X, np.c_[Y > 0, Y], "labels", "several labels per sample must be 0 or 1, not"),
        (X, np.c_[Y > 0, Y < 99], "labels", "column 1 of the targets is 1 for all samples"),
        (X, Y, "classes", "unknown task 'classes'"),
    ],
)
def test_what_is_refused(name, features, targets, task, message):
    with pytest.raises(InputError, match=message) as error:
        target_score(name, features, targets, task)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("logme", {"mode": "exact"}, "logme: unknown mode 'exact'"),
        ("knn", {"k": 12}, "knn: k is 12; choose from 1 to 11"),
        ("knn", {"distance": "l1"}, "knn: unknown distance 'l1'"),
        ("linear_probe", {"folds": 1}, "linear_probe: folds is 1"),
        ("linear_probe", {"k": 1}, "linear_probe: unknown option 'k'; choose from folds, seed"),
        ("sfda", {}, "sfda needs one class per sample; real numbers allow logme, knn and linear_probe"),
        ("logmee", {}, "unknown metric 'logmee'"),
    ],
)
def test_options_and_names_that_are_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        target_score(name, X, Y, **options)


def test_the_table_of_the_documents_is_true():
    """Each metric stands in it; those with yes give a score, and the others say which metrics do."""
    section = (ROOT / "docs/metrics.md").read_text().split("## Regression and several labels\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (yes|no)[^|]*\| (yes|no)[^|]*\| ([^|]+) \|$", section, re.MULTILINE)
    assert sorted(name for name, *_ in rows) == metric_names()
    x, y = data(60, 4, 3)
    for name, numbers, labels, why in rows:
        assert len(why) > 15
        for task, targets, allowed in (("regression", y, numbers), ("labels", y > 0, labels)):
            if allowed == "yes":
                assert np.isfinite(target_score(name, x, targets, task))
                continue
            with pytest.raises(InputError, match="needs one class per sample; .* allow logme, knn and linear_probe"):
                target_score(name, x, targets, task)


@pytest.mark.parametrize("labels", [Y[:, 0], Y > 0, np.c_[Y, Y]], ids=["real", "column", "matrix"])
def test_scores_of_classes_name_the_metrics_for_other_targets(labels):
    with pytest.raises(InputError, match=r"logme, knn or linear_probe of pedrank\.regression\.target_score"):
        score("sfda", X, labels)


def test_three_samples_and_repeated_rows_are_scored():
    for name in ("logme", "linear_probe"):
        assert np.isfinite(target_score(name, X[:3], Y[:3]))
    assert np.isfinite(target_score("knn", X[:3], Y[:3], k=2))
    twice = np.repeat(X, 2, axis=0), np.repeat(Y, 2, axis=0)
    assert target_score("knn", *twice, k=1) == 1  # the copy of a sample passes on its target
    assert np.isfinite([target_score(name, *twice) for name in NAMES]).all()


def test_inputs_are_not_changed():
    x, y = data(40, 5)
    before = x.copy(), y.copy()
    for name in NAMES:
        target_score(name, x, y, **({"distance": "cosine"} if name == "knn" else {}))
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_a_table_of_scikit_learn():
    """Diabetes: blood values explain the progression, noise does not. The columns have mean 0, the targets have not.

    The published LogME cannot explain the mean of the targets then, and takes noise for better than age and sex.
    """
    x, y = load_diabetes(return_X_y=True)
    noise = np.random.default_rng(0).normal(size=x.shape)
    for name in NAMES:
        options = {"standardised": True} if name == "logme" else {}
        values = [target_score(name, each, y, **options) for each in (noise, x[:, :2], x)]
        assert values[0] < values[1] < values[2]
    assert target_score("logme", noise, y) > target_score("logme", x[:, :2], y)
