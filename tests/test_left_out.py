"""The forms of SFDA and H-score that leave each sample out, against loops that do so, and on noise with N < D."""

import numpy as np
import pytest
from golden import clusters
from scipy import special
from sklearn.covariance import LedoitWolf

from pedrank import score
from pedrank.metrics import evaluate, get_metric
from pedrank.metrics._fisher import adaptive_shrinkage
from pedrank.metrics._left_out import left_out_logits
from pedrank.observation.observation import observe
from pedrank.testing import check_metric
from pedrank.utils.errors import InputError

SHAPES = [(60, 8, 4), (24, 40, 3), (50, 3, 5)]


def class_means(rows, labels):
    return np.array([rows[labels == label].mean(axis=0) for label in np.unique(labels)])


def judged_by_the_others(rows, labels, leave_out):
    """Log-probabilities of each row, by a discriminant computed again without it; shrinkage and divisor stay."""
    n, d = rows.shape
    counts = np.bincount(labels)
    means = class_means(rows, labels)
    whole = sum((rows[i] - means[labels[i]])[:, None] * (rows[i] - means[labels[i]]) for i in range(n)) / n
    shrinkage = adaptive_shrinkage(whole)
    logs = []
    for i in range(n):
        rest = np.arange(n) != i
        if counts[labels[i]] == 1:
            rest[i] = True
        left = class_means(rows[rest], labels[rest])
        apart = rows[rest] - left[labels[rest]]
        covariance = apart.T @ apart / n if leave_out == "sample" else whole
        inverse = np.linalg.inv((1 - shrinkage) * covariance + shrinkage * np.trace(whole) / d * np.eye(d))
        logs.append(
            [
                rows[i] @ inverse @ mean - mean @ inverse @ mean / 2 + np.log(count / n)
                for mean, count in zip(left, counts, strict=True)
            ]
        )
    return special.log_softmax(np.array(logs), axis=1)


@pytest.mark.parametrize("leave_out", ["mean", "sample"])
@pytest.mark.parametrize("shape", SHAPES)
def test_sfda_equals_a_loop_that_leaves_each_sample_out(shape, leave_out):
    features, labels = clusters(*shape, apart=0.5)
    rows = 0.3 * features.astype(np.float64)  # so that the shrinkage is far from zero, and both ways keep their digits
    logs = judged_by_the_others(rows, labels, leave_out)
    found = special.log_softmax(left_out_logits(rows, labels, leave_out), axis=1)
    np.testing.assert_allclose(found, logs, rtol=1e-7, atol=1e-9)

    own = np.arange(len(labels)), labels
    q = special.softmax(np.exp(logs), axis=1)[own][:, None]
    means = class_means(rows, labels)
    others = (means.sum(axis=0) - means)[labels] / (len(means) - 1)
    mixed = others + q * (rows - others)
    expected = np.exp(judged_by_the_others(mixed, labels, leave_out))[own].mean()
    assert score("sfda", rows, labels, leave_out=leave_out) == pytest.approx(expected, rel=1e-6)


@pytest.mark.filterwarnings("ignore:.*single sample")
@pytest.mark.parametrize("leave_out", ["mean", "sample"])
def test_the_only_sample_of_a_class_stays(leave_out):
    features, labels = clusters(40, 6, 3)
    rows, labels = 0.3 * features.astype(np.float64), np.where(np.arange(40) == 7, 3, labels)
    found = special.log_softmax(left_out_logits(rows, labels, leave_out), axis=1)
    np.testing.assert_allclose(found, judged_by_the_others(rows, labels, leave_out), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_debiased_h_score_equals_a_loop_that_leaves_each_sample_out(shape):
    features, labels = clusters(*shape, apart=0.5)
    fitted = LedoitWolf().fit(features.astype(np.float64))
    inverse, n, counts = np.linalg.inv(fitted.covariance_), len(labels), np.bincount(labels)
    rows = features - features.mean(axis=0, dtype=np.float64)
    between = 0.0
    for label, count in enumerate(counts):
        members = np.flatnonzero(labels == label)
        left = np.mean([rows[i] @ inverse @ rows[members[members != i]].mean(axis=0) for i in members])
        mean = rows[members].mean(axis=0)
        # The spread around the mean of all contains the square of a class mean n_c - n_c^2 / N times.
        between += (count - count**2 / n) * left + count**2 / n * (mean @ inverse @ mean)
    expected = (1 - fitted.shrinkage_) * between / (n - 1)
    assert score("h_score", features, labels, debiased=True) == pytest.approx(expected, rel=1e-6)


def test_debiased_h_score_of_classes_of_one_size_is_the_known_formula():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 12)
    features = random.normal(size=(48, 10)) + random.normal(size=(4, 10))[labels]
    fitted = LedoitWolf().fit(features)
    inverse = np.linalg.inv(fitted.covariance_)
    covariances = np.mean([np.cov(features[labels == label], rowvar=False) for label in range(4)], axis=0)
    bias = (1 - 1 / 4) / 12 * np.trace(inverse @ covariances) * (1 - fitted.shrinkage_) * 48 / 47
    plain = score("h_score", features, labels)
    assert score("h_score", features, labels, debiased=True) == pytest.approx(plain - bias, rel=1e-6)


def noise_and_signal(scale):
    """240 samples of 6 classes: noise in 512 features, and 64 features of which 6 inform."""
    random = np.random.default_rng(0)
    labels = np.arange(240) % 6
    return (
        scale * random.normal(size=(240, 512)),
        scale * (random.normal(size=(240, 64)) + 3 * np.eye(6, 64)[labels]),
        labels,
    )


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize(
    ("name", "options"), [("sfda", {"leave_out": "sample"}), ("h_score", {"debiased": True})], ids=["sfda", "h_score"]
)
def test_noise_with_fewer_samples_than_features_does_not_beat_signal(name, options, scale):
    noise, signal, labels = noise_and_signal(scale)
    values = [evaluate(name, observe(features, labels), **options).rank_score for features in (noise, signal)]
    assert values[0] < values[1]


def test_sfda_without_its_own_mean_still_saturates_on_noise():
    noise, signal, labels = noise_and_signal(1.0)
    for leave_out in ("nothing", "mean"):
        assert score("sfda", noise, labels, leave_out=leave_out) == pytest.approx(1.0, abs=1e-9)
    assert score("sfda", noise, labels, leave_out="sample") < 0.1


def test_debiased_h_score_of_noise_is_near_zero():
    random = np.random.default_rng(1)
    labels = np.arange(200) % 5
    sets = [random.normal(size=(200, 40)) * np.geomspace(0.1, 3, 40) for _ in range(20)]
    plain, debiased = (
        np.mean([score("h_score", rows, labels, debiased=way) for rows in sets]) for way in (False, True)
    )
    assert plain > 0.3
    assert abs(debiased) < 0.05


@pytest.mark.parametrize(
    ("name", "options"),
    [("sfda", {"leave_out": "mean"}), ("sfda", {"leave_out": "sample"}), ("h_score", {"debiased": True})],
    ids=["sfda-mean", "sfda-sample", "h_score"],
)
def test_the_contract(name, options):
    check_metric(get_metric(name).function, **options)


def test_an_unknown_form():
    features, labels = clusters(30, 4, 3)
    with pytest.raises(InputError, match="sfda: unknown leave_out 'all'; choose from nothing, mean, sample"):
        score("sfda", features, labels, leave_out="all")
