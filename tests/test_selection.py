"""What trusting a ranking costs, against every order in which ties could be broken."""

from itertools import permutations

import numpy as np
import pytest

from pedrank.evaluation.regret import best_of_top, probability_of_best, regret, relative_accuracy


def by_enumeration(scores, accuracies, k):
    """Mean over all orders of the models, sorted stably by score."""
    found = []
    for order in map(list, permutations(range(len(scores)))):
        ranked = sorted(order, key=lambda model: -scores[model])
        found.append(max(accuracies[model] for model in ranked[:k]))
    return np.mean(found)


@pytest.mark.parametrize("levels", [1, 2, 3, 100])
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_ties_are_broken_at_random(levels, k):
    random = np.random.default_rng(levels)
    scores, accuracies = random.integers(levels, size=6).astype(float), random.random(6)
    assert best_of_top(scores, accuracies, k) == pytest.approx(by_enumeration(scores, accuracies, k))


def test_by_hand():
    scores, accuracies = np.array([3.0, 2.0, 1.0, 0.0]), np.array([80.0, 84.0, 90.0, 75.0])
    assert regret(scores, accuracies, 1) == pytest.approx(10)
    assert regret(scores, accuracies, 2) == pytest.approx(6)
    assert regret(scores, accuracies, 3) == 0
    assert regret(scores, accuracies, 9) == 0
    assert relative_accuracy(scores, accuracies, 1) == pytest.approx(80 / 90)
    assert np.isnan(relative_accuracy(scores, accuracies * 0, 1))


def test_probability_of_best():
    draws = np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert probability_of_best(np.array([0.0, 1.0, 2.0]), draws) == 0.75
    assert probability_of_best(np.array([0.0, 2.0, 2.0]), draws) == 0.5
    assert probability_of_best(np.zeros(3), draws) == pytest.approx(1 / 3)
