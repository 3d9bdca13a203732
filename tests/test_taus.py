"""The weighted taus of many draws are scipy's, one by one."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import weightedtau

from pedrank.evaluation import weighted_tau
from pedrank.evaluation.weighted_tau import taus_of_models, taus_of_orders, weighted_taus


@pytest.mark.parametrize("n", [2, 3, 5, 12, 30])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_rows(n, levels):
    scores, accuracies = np.random.default_rng(n).integers(levels, size=(2, 70, n)).astype(float)
    expected = [weightedtau(*pair).statistic for pair in zip(scores, accuracies, strict=True)]
    np.testing.assert_allclose(weighted_taus(scores, accuracies), expected, atol=1e-12)  # NaN where scipy has NaN


def test_a_single_row_is_shared():
    scores, accuracies = np.random.default_rng(0).normal(size=(2, 9, 6))
    expected = [weightedtau(scores[0], row).statistic for row in accuracies]
    np.testing.assert_allclose(weighted_taus(scores[:1], accuracies), expected, atol=1e-12)


@pytest.mark.parametrize("tied", ["neither", "a score", "an accuracy", "every score"])
def test_orders(tied):
    random = np.random.default_rng(1)
    scores, accuracies = random.normal(size=(4, 8)), random.normal(size=8)
    if tied == "a score":
        scores[1, 2] = scores[1, 5]
    if tied == "every score":
        scores[1] = 0.5
    if tied == "an accuracy":
        accuracies[2] = accuracies[5]
    draws = np.array([random.permutation(accuracies) for _ in range(30)])
    expected = [[weightedtau(row, draw).statistic for draw in draws] for row in scores]
    np.testing.assert_allclose(taus_of_orders(scores, draws), expected, atol=1e-12)


def test_orders_of_many_models_are_taken_in_parts(monkeypatch):
    """Of 200 models, 10,000 draws at once would take gigabytes."""
    random = np.random.default_rng(1)
    scores, draws = random.normal(size=(3, 8)), random.normal(size=(30, 8))
    expected = taus_of_orders(scores, draws)
    monkeypatch.setattr(weighted_tau, "_PAIRS_AT_ONCE", 7 * 64)
    np.testing.assert_allclose(taus_of_orders(scores, draws), expected, atol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 12])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_models(n, levels):
    random = np.random.default_rng(n)
    scores, accuracies = random.integers(levels, size=(2, n)).astype(float)
    counts = random.multinomial(n, np.full(n, 1 / n), size=60)
    expected = [weightedtau(*(np.repeat(values, row) for values in (scores, accuracies))).statistic for row in counts]
    np.testing.assert_allclose(taus_of_models(scores, accuracies, counts), expected, atol=1e-12)


def test_subsets():
    scores, accuracies = np.random.default_rng(2).normal(size=(2, 6))
    chosen = [list(each) for each in combinations(range(6), 4)]
    counts = np.array([np.isin(np.arange(6), each).astype(int) for each in chosen])
    expected = [weightedtau(scores[each], accuracies[each]).statistic for each in chosen]
    np.testing.assert_allclose(taus_of_models(scores, accuracies, counts), expected, atol=1e-12)
