import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pedrank import kendall_tau, weighted_tau
from pedrank.evaluation.correlation import pearson, spearman
from pedrank.utils.errors import InputError


def test_weighted_tau_is_scipys():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        n = rng.integers(2, 20)
        # Few values, so that ties are common.
        scores, accuracies = rng.integers(0, rng.integers(2, 30), size=(2, n)).astype(float)
        if np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
            continue
        expected = stats.weightedtau(scores, accuracies).statistic
        assert weighted_tau(scores, accuracies) == pytest.approx(expected, abs=1e-12)


vectors = st.integers(2, 15).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-50, 50), min_size=n, max_size=n, unique=True)] * 2)
)


@settings(deadline=None)
@given(vectors)
def test_bounds_symmetry_and_rank_invariance(pair):
    scores, accuracies = map(np.array, pair)
    for tau in (weighted_tau, kendall_tau):
        value = tau(scores, accuracies)
        assert -1 - 1e-12 <= value <= 1 + 1e-12
        assert tau(accuracies, scores) == pytest.approx(value, abs=1e-12)
        assert tau(np.exp(scores / 10), accuracies) == pytest.approx(value, abs=1e-12)
        assert tau(accuracies, accuracies) == pytest.approx(1)
        assert tau(-accuracies, accuracies) == pytest.approx(-1)


@settings(deadline=None)
@given(vectors)
def test_kendall_tau_is_equation_1(pair):
    scores, accuracies = pair
    n = len(scores)
    total = 0
    for i in range(n):
        for j in range(i + 1, n):
            total += np.sign(accuracies[i] - accuracies[j]) * np.sign(scores[i] - scores[j])
    assert kendall_tau(scores, accuracies) == pytest.approx(2 / (n * (n - 1)) * total)


def test_a_mistake_at_the_top_weighs_more():
    accuracies = np.array([4.0, 3, 2, 1])
    assert weighted_tau([3, 4, 2, 1], accuracies) < weighted_tau([4, 3, 1, 2], accuracies)
    assert kendall_tau([3, 4, 2, 1], accuracies) == kendall_tau([4, 3, 1, 2], accuracies)


@pytest.mark.parametrize("tau", [weighted_tau, kendall_tau])
@pytest.mark.parametrize(
    ("scores", "accuracies", "message"),
    [
        ([1, np.nan, 2], [1, 2, 3], "score of model 1 is nan"),
        ([1, 2, 3], [1, 2, np.inf], "accuracy of model 2 is inf"),
        ([1], [1], "fewer than two models"),
        ([1, 2], [1, 2, 3], "one value per model"),
    ],
)
def test_bad_input_gets_one_line(tau, scores, accuracies, message):
    with pytest.raises(InputError, match=message):
        tau(scores, accuracies)


def test_ties_of_all():
    with pytest.raises(InputError, match="all 3 scores are 1"):
        weighted_tau([1, 1, 1], [1, 2, 3])
    with pytest.raises(InputError, match="all 3 accuracies are 5"):
        weighted_tau([1, 2, 3], [5, 5, 5])
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0


@pytest.mark.parametrize("levels", [3, 1000])
def test_pearson_and_spearman_are_scipys(levels):
    for scores, accuracies in np.random.default_rng(1).integers(levels, size=(50, 2, 9)).astype(float):
        if np.ptp(scores) and np.ptp(accuracies):
            assert pearson(scores, accuracies) == pytest.approx(stats.pearsonr(scores, accuracies).statistic, abs=1e-12)
            assert spearman(scores, accuracies) == pytest.approx(
                stats.spearmanr(scores, accuracies).statistic, abs=1e-12
            )


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_pearson_and_spearman_at_the_edge(correlation):
    assert np.isnan(correlation([1, 1, 1], [1, 2, 3]))
    assert np.isnan(correlation([1, 2, 3], [5, 5, 5]))
    assert correlation([1, 2], [3, 9]) == pytest.approx(1)
    assert correlation([1e-300, 2e-300, 3e-300], [1e300, 2e300, 3e300]) == pytest.approx(1)
    with pytest.raises(InputError, match="score of model 0 is nan"):
        correlation([np.nan, 1], [1, 2])
