import numpy as np
import pytest
from golden import clusters
from hypothesis import given, settings
from hypothesis import strategies as st

from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics, within_scatter
from pedrank.utils.errors import InputError


def plain(features, labels):
    classes = [features[labels == label].astype(np.float64) for label in range(labels.max() + 1)]
    return (
        np.array([len(rows) for rows in classes]),
        np.array([rows.mean(axis=0) for rows in classes]),
        np.array([rows.var(axis=0) for rows in classes]),
    )


@settings(max_examples=20, deadline=None)
@given(n=st.integers(20, 400), d=st.integers(1, 20), c=st.integers(2, 10), seed=st.integers(0, 10**6))
def test_class_statistics_are_those_of_the_classes(n, d, c, seed):
    features, labels = clusters(n, d, c, seed)
    counts, means, variances = plain(features, labels)
    statistics = ClassStatistics.from_features(features, labels)
    np.testing.assert_array_equal(statistics.counts, counts)
    np.testing.assert_allclose(statistics.means, means, atol=1e-12)
    np.testing.assert_allclose(statistics.variances, variances, rtol=1e-10, atol=1e-14)
    assert statistics.n == n


def test_blocks_and_pieces_make_no_difference(monkeypatch):
    features, labels = clusters(1000, 7, 5)
    whole = ClassStatistics.from_features(features, labels)
    monkeypatch.setattr("pedrank.observation.statistics._BLOCK", 37)
    monkeypatch.setattr("pedrank.observation.statistics._PIECE", 3)
    pieces = ClassStatistics.from_features(features, labels)
    np.testing.assert_allclose(pieces.means, whole.means, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(pieces.variances, whole.variances, rtol=1e-12)


def test_a_large_mean_costs_no_digits():
    features, labels = clusters(500, 4, 3)
    features = features.astype(np.float64)
    near, far = (ClassStatistics.from_features(features + offset, labels) for offset in (0.0, 2.0**26))
    np.testing.assert_allclose(far.variances, near.variances, rtol=1e-6)


def test_a_class_without_variance_has_exactly_none():
    features = np.repeat(np.array([[0.1, 0.3], [0.7, 1e6]], dtype=np.float32), 100, axis=0)
    statistics = ClassStatistics.from_features(features, np.repeat([0, 1], 100))
    assert not statistics.variances.any()
    np.testing.assert_array_equal(statistics.means, features[[0, 100]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, ">f4"])
def test_every_real_dtype_and_memory_maps_pass(dtype, tmp_path):
    values = np.arange(12).reshape(6, 2).astype(dtype)
    values.tofile(tmp_path / "features")
    mapped = np.memmap(tmp_path / "features", dtype, "r", shape=(6, 2))
    statistics = ClassStatistics.from_features(mapped, np.array([0, 0, 1, 1, 2, 2], dtype=np.uint8))
    np.testing.assert_array_equal(statistics.means, [[1, 2], [5, 6], [9, 10]])


def test_within_scatter(monkeypatch):
    features, labels = clusters(3000, 6, 4)
    _, means, _ = plain(features, labels)
    deviations = features - means[labels]
    monkeypatch.setattr("pedrank.observation.statistics.block_rows", lambda dims: 1000)
    np.testing.assert_allclose(within_scatter(features, labels, means), deviations.T @ deviations, rtol=1e-9, atol=1e-9)


def test_reference_statistics_are_floored():
    features = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    features[:, 1] = 5
    reference = ReferenceStatistics.from_features(features)
    np.testing.assert_allclose(reference.mean, features.astype(np.float64).mean(axis=0))
    np.testing.assert_allclose(reference.std[[0, 2]], features.astype(np.float64).std(axis=0)[[0, 2]])
    assert reference.std[1] == 1e-3
    assert ReferenceStatistics(mean=np.zeros(1), std=np.zeros(1)).std == 1e-3


GOOD = np.zeros((4, 2), dtype=np.float32)
LABELS = np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (GOOD, np.array([0, 0, 2, 2]), "no sample has label 1"),
        (GOOD, np.array([0, 0, 1, 9]), "label 9 is too large for 4 samples"),
        (GOOD, np.array([0, -1, 1, 1]), "label -1 is negative"),
        (GOOD, np.array([0.0, 0.0, 1.0, 1.0]), "labels must be integers"),
        (GOOD, np.array([[0], [0], [1], [1]]), "one label per row"),
        (GOOD, np.zeros(4, dtype=int), "only one class"),
        (GOOD, np.zeros(0, dtype=int), "labels are empty"),
        (GOOD[:3], LABELS, "3 rows but 4 labels"),
        (GOOD[0], LABELS, "must have shape"),
        (np.zeros((4, 0)), LABELS, "empty"),
        (GOOD.astype(complex), LABELS, "must be real numbers"),
        (np.where([[0], [0], [1], [0]], np.nan, GOOD), LABELS, "row 2 holds NaN or infinity"),
        (np.where([[0], [0], [0], [1]], np.inf, GOOD), LABELS, "row 3 holds NaN or infinity"),
        (np.array([[1e200], [-1e200], [0], [0]]), LABELS, "overflow"),
    ],
)
def test_bad_input_gets_one_line(features, labels, message):
    with pytest.raises(InputError, match=message) as error:
        ClassStatistics.from_features(features, labels)
    assert "\n" not in str(error.value)


def test_a_single_sample_is_warned_of():
    with pytest.warns(UserWarning, match="1 class\\(es\\) have a single sample, the first is 1"):
        ClassStatistics.from_features(GOOD[:3], np.array([0, 0, 1]))


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (np.zeros(2), np.ones(3), "one length"),
        (np.zeros((2, 1)), np.ones((2, 1)), "one length"),
        (np.array([np.nan]), np.ones(1), "not finite"),
        (np.zeros(1), np.array([-1.0]), "negative"),
    ],
)
def test_bad_reference_statistics(mean, std, message):
    with pytest.raises(InputError, match=message):
        ReferenceStatistics(mean=mean, std=std)


def test_bad_reference_features():
    with pytest.raises(InputError, match="reference features: row 1 holds NaN"):
        ReferenceStatistics.from_features(np.array([[0.0], [np.nan]]))
    with pytest.raises(InputError, match="reference features are empty"):
        ReferenceStatistics.from_features(np.zeros((0, 3)))
