"""Linear probe: the contract, scikit-learn's ridge with nested leave-one-out, and its behaviour on known data."""

import numpy as np
import pytest
from golden import clusters
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from pedrank import score
from pedrank.metrics._folds import canonical_order, stratified_folds
from pedrank.metrics.linear_probe import PENALTIES, linear_probe
from pedrank.observation.observation import observe
from pedrank.testing import check_metric
from pedrank.utils.errors import InputError


@pytest.mark.parametrize("folds", [2, 5])
def test_the_contract(folds):
    check_metric(linear_probe, folds=folds)


@pytest.mark.parametrize("shape", [(60, 5, 3), (40, 70, 4)], ids=["N > D", "N < D"])
def test_it_is_nested_cross_validation_with_scikit_learns_ridge(shape):
    features, labels = clusters(*shape, apart=0.4)
    features = features.astype(np.float64) * np.linspace(0.3, 3, shape[1])
    fold, one_hot = stratified_folds(observe(features, labels), 5, 0), np.eye(shape[2])[labels]
    right = 0
    for number in range(5):
        test = fold == number
        x, y = features[~test], one_hot[~test]
        accuracies = []
        penalties = PENALTIES * len(x) * x.var(axis=0).mean()
        for penalty in penalties:
            left_out = cross_val_predict(Ridge(alpha=penalty), x, y, cv=LeaveOneOut())
            accuracies.append((left_out.argmax(axis=1) == labels[~test]).mean())
        largest = np.flatnonzero(np.array(accuracies) == max(accuracies))[-1]
        guess = Ridge(alpha=penalties[largest]).fit(x, y).predict(features[test]).argmax(axis=1)
        right += (guess == labels[test]).sum()
    assert score("linear_probe", features, labels) == right / shape[0]
    assert 0.3 < right / shape[0] < 1


def test_random_labels_and_noise_with_few_samples_give_chance():
    features, labels = clusters(400, 20, 4)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert score("linear_probe", features, shuffled) == pytest.approx(1 / 4, abs=0.1)
    noise = np.random.default_rng(1).normal(size=(200, 500))
    assert score("linear_probe", noise, np.arange(200) % 4) == pytest.approx(1 / 4, abs=0.15)
    assert score("linear_probe", noise[:, :3] + 4 * np.eye(4, 3)[np.arange(200) % 4], np.arange(200) % 4) > 0.9


def test_scale_shift_and_rotation_do_not_matter():
    features, labels = clusters(160, 10, 5, apart=0.6)
    value = score("linear_probe", features, labels)
    assert score("linear_probe", 1000 * features.astype(np.float64) + 7, labels) == value
    assert score("linear_probe", 1e-3 * features.astype(np.float64), labels) == value


def test_more_folds_than_samples_and_too_few():
    features, labels = clusters(12, 3, 2, apart=3.0)
    assert score("linear_probe", features, labels, folds=50) == score("linear_probe", features, labels, folds=12)
    with pytest.raises(InputError, match="linear_probe: folds is 1; choose at least 2"):
        score("linear_probe", features, labels, folds=1)


def test_folds_are_even_in_each_class_and_belong_to_the_samples():
    features, labels = clusters(203, 6, 7)
    fold = stratified_folds(observe(features, labels), 5, 0)
    counts = np.array([np.bincount(fold[labels == label], minlength=5) for label in range(7)])
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1
    assert np.ptp(np.bincount(fold)) <= 1
    order = np.random.default_rng(3).permutation(203)
    np.testing.assert_array_equal(stratified_folds(observe(features[order], 6 - labels[order]), 5, 0), fold[order])
    assert (stratified_folds(observe(features, labels), 5, 1) != fold).any()


def test_the_order_has_the_classes_one_after_the_other():
    features, labels = clusters(50, 4, 3)
    rows, classes = canonical_order(observe(features, labels), 0)
    assert sorted(rows) == list(range(50))
    np.testing.assert_array_equal(labels[rows], np.repeat(classes, np.bincount(labels)[classes]))
