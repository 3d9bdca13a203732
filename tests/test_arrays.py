"""Metrics and the other functions of numbers take arrays of NumPy, pandas and torch."""

import numpy as np
import pandas as pd
import pytest
import torch

import pedrank
from pedrank.metrics import metric_names
from pedrank.utils.arrays import as_numpy

LABELS = np.arange(45) % 3
SCORES = np.random.default_rng(0).normal(size=(45, 4)) + 2 * np.eye(3, 4)[LABELS]
PROBABILITIES = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
KINDS = {
    "lists": (np.ndarray.tolist, np.ndarray.tolist),
    "pandas": (pd.DataFrame, pd.Series),
    "pandas with missing values allowed": (pd.DataFrame, lambda y: pd.Series(y, dtype="Int64")),
    "pandas objects": (lambda z: pd.DataFrame(z, dtype=object), lambda y: pd.Series(y, dtype=object)),
    "torch": (torch.tensor, torch.tensor),
    "torch with a gradient": (lambda z: torch.tensor(z, requires_grad=True), torch.tensor),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", metric_names())
def test_every_metric_gives_the_same_score(metric, kind):
    """Options that are arrays, the outputs of a classifier, count as well."""
    of_features, of_labels = KINDS[kind]
    options = {"leep": {"probabilities": PROBABILITIES}, "nce": {"source_labels": LABELS[::-1].copy()}}.get(metric, {})
    given = {name: (of_features if value.ndim == 2 else of_labels)(value) for name, value in options.items()}
    expected = pedrank.score(metric, PROBABILITIES, LABELS, **options)
    assert pedrank.score(metric, of_features(PROBABILITIES), of_labels(LABELS), **given) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_ped_and_correlations_give_the_same_numbers(kind):
    of_features, of_labels = KINDS[kind]
    refinements = [
        pedrank.refine(features, labels, pedrank.ReferenceStatistics.from_features(features), lam=0.6)
        for features, labels in ((PROBABILITIES, LABELS), (of_features(PROBABILITIES), of_labels(LABELS)))
    ]
    np.testing.assert_array_equal(refinements[0].displacement, refinements[1].displacement)
    scores, accuracies = SCORES[:, 0], SCORES[:, 1]
    of_vector = of_labels if kind != "pandas with missing values allowed" else pd.Series
    for tau in (pedrank.weighted_tau, pedrank.kendall_tau):
        assert tau(of_vector(scores), of_vector(accuracies)) == tau(scores, accuracies)


def test_types_that_numpy_lacks():
    tensor = torch.tensor([1.5, 2.5], dtype=torch.bfloat16, requires_grad=True)
    found = as_numpy(tensor)
    assert found.dtype == np.float32 and found.tolist() == [1.5, 2.5]


def test_nothing_is_copied_without_need():
    array, tensor = np.zeros(3), torch.zeros(3)
    assert as_numpy(array) is array
    as_numpy(tensor)[0] = 1
    assert tensor[0] == 1


@pytest.mark.parametrize("values", [[1, "a"], [None, "a"], [1, None], [[1], [1, 2]]])
def test_a_mixture_stays_as_it_is(values):
    """So that the checks that follow refuse it."""
    column = pd.Series(values, dtype=object)
    assert as_numpy(column).dtype == object and as_numpy(column).tolist() == values
