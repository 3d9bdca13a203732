"""Bounds, limits and invariances that each metric has by its definition."""

from functools import partial

import numpy as np
import pytest
from golden import clusters
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pedrank import ReferenceStatistics, metric_names, refine, score
from pedrank.metrics import UndefinedScore, evaluate
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ClassStatistics
from pedrank.refinements.spread_attract import attract
from pedrank.utils.errors import InputError

HEADED = {"leep", "nce"}  # these need the checkpoint's own predictions
UNLABELLED = {"energy", "feature_norm", "rankme"}
METRICS = [name for name in metric_names() if name not in HEADED]
LABELLED = [name for name in METRICS if name not in UNLABELLED]


def scored(name, features, labels, **options):
    return evaluate(name, observe(features, labels), **options)


@pytest.mark.parametrize("name", METRICS)
def test_inputs_stay_as_they_are_and_results_repeat(name):
    features, labels = clusters(150, 12, 4)  # read-only
    before = features.copy()
    assert score(name, features, labels) == score(name, features, labels)
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize("name", METRICS)
def test_refinement_equals_moving_the_features(name):
    features, labels = clusters(150, 12, 4)
    refinement = refine(features, labels, ReferenceStatistics.from_features(features), lam=0.8, dt=0.3)
    assert refinement.steps > 0
    moved = features + refinement.displacement[labels]
    assert score(name, features, labels, refinement=refinement) == pytest.approx(score(name, moved, labels), rel=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_a_refinement_leaves_what_observations_share(name):
    features, labels = clusters(150, 12, 4)
    refinement = attract(ClassStatistics.from_features(features, labels), alpha=0.05)
    alone = score(name, features, labels, refinement=refinement)
    raw = observe(features, labels)
    evaluate(name, raw)
    assert evaluate(name, raw.refined(refinement)).score == alone
    assert evaluate(name, raw).score == score(name, features, labels)


@pytest.mark.parametrize("name", METRICS)
def test_few_rows_many_features_and_constant_ones(name):
    features, labels = clusters(40, 90, 4)
    features = features.copy()
    features[:, 5] = 0.0  # a dead channel
    features[:, 6] = 3.0
    assert np.isfinite(scored(name, features, labels)).all()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("ignore:.*single sample")
def test_a_class_with_one_sample_is_allowed(name):
    features, labels = clusters(100, 8, 4)
    labels = np.where(np.arange(100) == 7, 4, labels)
    assert np.isfinite(scored(name, features, labels)).all()


@pytest.mark.parametrize("name", METRICS)
def test_how_classes_are_numbered_does_not_matter(name):
    features, labels = clusters(160, 10, 5)
    number = np.random.default_rng(1).permutation(5)
    assert scored(name, features, number[labels]).score == pytest.approx(scored(name, features, labels).score, rel=1e-6)


# k-means++ draws rows by their place, and so NLEEP follows the order of rows.
@pytest.mark.parametrize("name", [name for name in METRICS if name != "nleep"])
def test_the_order_of_rows_does_not_matter(name):
    features, labels = clusters(160, 40, 5)
    order = np.random.default_rng(1).permutation(160)
    value = scored(name, features, labels).score
    assert scored(name, features[order], labels[order]).score == pytest.approx(value, rel=1e-5)


# Not: SFDA and LDA (power iteration from row sums), PARC (signs of components), GBC (features one by one), energy.
@pytest.mark.parametrize(
    "name", ["logme", "h_score", "transrate", "nleep", "knn", "ncm", "ncti", "pactran", "rankme", "feature_norm"]
)
def test_rotation_does_not_matter(name):
    features, labels = clusters(160, 10, 5)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(10, 10)))[0]
    value = scored(name, features.astype(np.float64), labels).score
    assert scored(name, features @ rotation, labels).score == pytest.approx(value, rel=1e-5)


def test_spherical_gbc_does_not_mind_rotation_and_diagonal_does():
    features, labels = clusters(160, 10, 5, apart=0.3)
    features = features * np.linspace(0.2, 3, 10)
    rotated = features @ np.linalg.qr(np.random.default_rng(2).normal(size=(10, 10)))[0]
    spherical, diagonal = (partial(score, "gbc", variant=variant) for variant in ("spherical", "diagonal"))
    assert spherical(rotated, labels) == pytest.approx(spherical(features, labels), rel=1e-9)
    assert diagonal(rotated, labels) != pytest.approx(diagonal(features, labels), rel=1e-2)


# Of a mean over samples, with covariances divided by N, a second copy of every row changes nothing.
@pytest.mark.parametrize("name", ["sfda", "lda", "gbc", "transrate", "energy", "feature_norm", "rankme"])
def test_doubled_rows_do_not_matter(name):
    features, labels = clusters(160, 10, 5)
    twice = scored(name, np.tile(features, (2, 1)), np.tile(labels, 2)).score
    assert twice == pytest.approx(scored(name, features, labels).score, rel=1e-6)


def test_doubled_rows_give_knn_away():
    features, labels = clusters(60, 3, 5, apart=0.0)
    assert score("knn", np.tile(features, (2, 1)), np.tile(labels, 2)) == 1.0


@pytest.mark.parametrize("name", ["gbc", "h_score", "knn", "lead", "linear_probe", "ncm", "ncti", "parc"])
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_shift_does_not_matter_nor_scale_to_some(name, shift):
    features, labels = clusters(160, 10, 5)
    scale = 1.0 if name == "ncti" else 4.0  # NCTI's shrinkage knows the scale
    value = scored(name, features.astype(np.float64) * scale + shift, labels).score
    assert value == pytest.approx(scored(name, features, labels).score, rel=1e-5)


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("seed", [0, 1])
def test_separated_classes_score_above_mixed_ones_above_random_labels(name, seed):
    features, labels = clusters(300, 10, 5, seed=seed)
    far, near = (clusters(300, 10, 5, seed=seed, apart=apart) for apart in (4.0, 0.7))
    np.testing.assert_array_equal(far[1], near[1])
    values = [
        scored(name, *far).rank_score,
        scored(name, *near).rank_score,
        scored(name, near[0], np.random.default_rng(seed).permutation(labels)).rank_score,
    ]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("sfda", 1.0),
        ("lda", 1.0),
        ("gbc", 0.0),
        ("nleep", 1.0),
        ("knn", 1.0),
        ("ncm", 1.0),
        ("linear_probe", 1.0),
        ("itm", 1.0),
        ("h_score", 3 * 200 / 199),
    ],
)
def test_limit_of_perfect_separation(name, limit):
    features, labels = clusters(200, 10, 4, apart=300.0)
    value = scored(name, features, labels).score
    assert value <= limit * (1 + 1e-12)
    assert value == pytest.approx(limit, rel=0.01, abs=1e-12)


@pytest.mark.parametrize("name", ["sfda", "gbc", "lda"])
def test_saturated_scores_still_rank(name):
    values = [scored(name, *clusters(200, 10, 4, apart=apart)) for apart in (60.0, 90.0)]
    assert values[0].score == pytest.approx(values[1].score, abs=1e-9)
    assert values[0].rank_score < values[1].rank_score < np.inf


def test_parc_is_highest_when_classes_are_points():
    _, labels = clusters(200, 10, 4)
    rng = np.random.default_rng(0)
    features = np.eye(4)[labels] @ rng.normal(size=(4, 40)) + 1e-6 * rng.normal(size=(200, 40))
    # Every pair within a class ranks before every pair between classes; ties of labels keep it under 100.
    same = (labels[:, None] == labels)[np.triu_indices(200, 1)].mean()
    highest = 100 * np.sqrt(3 * same * (1 - same))
    assert score("parc", features, labels, dims=3) == pytest.approx(highest, rel=0.02)


def test_transrate_is_no_less_than_nothing_for_classes_of_one_size():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    assert score("transrate", rng.normal(size=(120, 10)), labels) >= 0


def test_rankme_counts_equal_singular_values():
    features = np.zeros((64, 8))
    features[np.arange(64), np.arange(64) % 8] = 2.0
    assert score("rankme", features, np.arange(64) % 2) == pytest.approx(8, rel=1e-4)
    features[:, 1:] = 0
    features[:, 0] = 1
    assert score("rankme", features, np.arange(64) % 2) == pytest.approx(1, rel=1e-3)


def test_feature_norm_and_energy_of_known_rows():
    features, labels = np.tile([[3.0, 4.0]], (6, 1)), np.arange(6) % 2
    assert score("feature_norm", features, labels) == pytest.approx(5)
    assert score("energy", features, labels) == pytest.approx(np.log(np.exp(3) + np.exp(4)))


FORMS = {  # that judge a sample without having seen it
    "sfda": {"leave_out": "sample"},
    "h_score": {"debiased": True},
    "knn": {"k": 5, "distance": "cosine"},
    "linear_probe": {},
    "lead": {},
    "itm": {},
}


@pytest.mark.parametrize("name", FORMS)
def test_noise_with_fewer_samples_than_features_does_not_beat_signal(name):
    random, labels = np.random.default_rng(0), np.arange(150) % 5
    noise, signal = random.normal(size=(150, 400)), random.normal(size=(150, 40)) + 2.5 * np.eye(5, 40)[labels]
    values = [scored(name, rows, labels, **FORMS[name]).rank_score for rows in (noise, signal)]
    assert values[0] < values[1]


@settings(max_examples=15, deadline=None)
@given(n=st.integers(12, 80), d=st.integers(2, 30), c=st.integers(2, 5), seed=st.integers(0, 10**6))
@pytest.mark.parametrize("name", ["logme", "sfda", "gbc", "nleep", "parc"])
def test_any_shape_gives_a_number_within_bounds(name, n, d, c, seed):
    assume(name != "parc" or n > d + 1)
    features, labels = clusters(n, d, c, seed)
    value, rank = scored(name, features, labels)
    low, high = {"sfda": (0, 1), "gbc": (-c * (c - 1), 0), "nleep": (0, 1), "parc": (-100, 100)}.get(
        name, (-np.inf, np.inf)
    )
    assert low <= value <= high + 1e-9
    assert np.isfinite(rank)


def test_parc_wants_more_samples_than_components():
    features, labels = clusters(12, 28, 2)
    with pytest.raises(InputError, match="12 samples are all equally alike; give at least 30 samples"):
        score("parc", features, labels)
    assert np.isfinite(score("parc", features, labels, dims=10))


def _degenerate():
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    noise = random.normal(size=(60, 5))
    same, rigid = "all features are the same for all samples", "no feature varies within a class"
    return {
        "constant": (np.ones((60, 5)), labels, same),
        "dead": (np.zeros((60, 5)), labels, same),
        "one constant feature": (np.ones((60, 1)), labels, same),
        "one-hot labels": (np.eye(3)[labels], labels, rigid),
        "class means": (noise[labels], labels, rigid),
        "one image per class": (noise[:20], np.arange(20), "every class has a single sample"),
        "two images": (noise[:2], np.arange(2), "every class has a single sample"),
        "far from zero": (1e12 + noise, labels, "times farther from zero than they vary"),
        "huge": (1e150 * noise, labels, "too large for sums of products"),
        "tiny": (1e-30 * noise, labels, None),
        "one feature": (noise[:, :1], labels, None),
        "all but one image alike": (np.eye(60, 5), labels, None),
        "copies of features": (np.repeat(noise[:, :2], 3, axis=1), labels, None),
        "one image against the rest": (noise, (np.arange(60) == 0).astype(int), None),
        "fewer images than features": (random.normal(size=(30, 400)), np.arange(30) % 3, None),
    }


@pytest.mark.filterwarnings("ignore:labels:UserWarning")  # classes of a single image
@pytest.mark.parametrize("case", _degenerate())
@pytest.mark.parametrize("name", METRICS)
def test_degenerate_features_give_a_number_or_the_true_reason(name, case):
    features, labels, reason = _degenerate()[case]
    try:
        assert np.isfinite(score(name, features, labels))
    except UndefinedScore as error:
        own = name == "parc"  # it needs two images of a class, two features, and more images than components
        assert own or (reason and reason in str(error)), error
        assert str(error).startswith(f"{name}: ")
