import tracemalloc

import numpy as np
import pytest
from golden import clusters
from hypothesis import given, settings
from hypothesis import strategies as st

from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements.ped import MODES, refine, simulate
from pedrank.refinements.spread_attract import attract
from pedrank.utils.errors import InputError

UNIT = ReferenceStatistics(mean=np.zeros(2), std=np.ones(2))


def balls(centres, variance=0.5):
    """Two-dimensional balls of radius sqrt(2 variance), one at lambda = 1 unless said otherwise."""
    centres = np.array(centres, dtype=np.float64)
    return ClassStatistics(np.full(len(centres), 5), centres, np.full(centres.shape, variance))


def plain(features, labels, reference, lam, dt, k, max_steps, exit_ratio, keep_terminal_step, clamp):
    """Algorithm 1 pair by pair on all features, moved at every step; force ratios and refined features."""
    z = (features - reference.mean) / reference.std
    sizes = []
    while len(sizes) < max_steps:
        centres = np.array([z[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
        radii = [lam * np.linalg.norm(z[labels == label].std(axis=0)) for label in range(labels.max() + 1)]
        move = np.zeros_like(centres)
        for i in range(len(centres)):
            for j in range(len(centres)):
                if i != j:
                    distance = np.linalg.norm(centres[i] - centres[j])
                    overlap = max(radii[i] + radii[j] - distance, 0)
                    step = 0.5 * dt**2 * k * overlap
                    move[i] += (min(step, overlap) if clamp else step) * (centres[i] - centres[j]) / distance
        sizes.append(np.abs(move).sum())
        terminal = sizes[-1] <= exit_ratio * sizes[0]
        if not terminal or keep_terminal_step:
            z = z + move[labels]
        if terminal:
            break
    return np.array(sizes) / (sizes[0] or 1), z * reference.std + reference.mean


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    c=st.integers(2, 7),
    lam=st.floats(0.05, 2),
    dt=st.floats(0.05, 2),
    k=st.floats(0.1, 2),
    max_steps=st.integers(1, 8),
    exit_ratio=st.floats(0, 0.99),
    mode=st.sampled_from(sorted(MODES)),
)
def test_algorithm_1_in_both_modes(seed, c, lam, dt, k, max_steps, exit_ratio, mode):
    features, labels = clusters(60, 5, c, seed)
    rng = np.random.default_rng(seed)
    reference = ReferenceStatistics(mean=rng.normal(size=5), std=rng.uniform(0.2, 2, size=5))
    differences = {name: MODES[mode][name] for name in ("keep_terminal_step", "clamp")}
    ratios, refined = plain(features, labels, reference, lam, dt, k, max_steps, exit_ratio, **differences)
    found = refine(
        features,
        labels,
        reference,
        lam=lam,
        dt=dt,
        k=k,
        max_steps=max_steps,
        exit_ratio=exit_ratio,
        mode=mode,
    )
    assert len(found.force_ratios) == len(ratios)
    np.testing.assert_allclose(found.force_ratios, ratios, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        features + found.displacement[labels], refined, rtol=1e-6, atol=1e-6 * np.abs(refined).max()
    )


def test_two_overlapping_balls_part_along_their_line():
    found = simulate(balls([[0, 0], [1, 0]]), UNIT, lam=1.0, dt=0.1, max_steps=1)
    overlap = 2.0 - 1.0
    np.testing.assert_allclose(found.displacement, [[-0.005 * overlap, 0], [0.005 * overlap, 0]], rtol=1e-12)
    np.testing.assert_allclose(found.forces, [2 * overlap])
    np.testing.assert_allclose(found.energy, [overlap**2])  # Eq. 7 counts the pair twice
    np.testing.assert_allclose(found.final_energy, (overlap * 0.99) ** 2)
    np.testing.assert_allclose(found.moves, [0.01])


def test_newtons_third_law_and_falling_energy():
    features, labels = clusters(400, 6, 12, seed=3)
    reference = ReferenceStatistics(mean=np.zeros(6), std=np.full(6, 0.7))
    found = refine(features, labels, reference, exit_ratio=0.0, dt=0.2)
    np.testing.assert_allclose(found.displacement.sum(axis=0), 0, atol=1e-10 * np.abs(found.displacement).max())
    assert (np.diff([*found.energy, found.final_energy]) < 0).all()
    assert found.steps == len(found.forces) == len(found.energy) == 6


def test_where_the_features_lie_and_how_classes_are_numbered_do_not_matter():
    features, labels = clusters(200, 4, 6, seed=1)
    reference = ReferenceStatistics.from_features(features)
    found = refine(features, labels, reference)
    elsewhere = refine(
        features * 4 + 8, labels, ReferenceStatistics(mean=reference.mean * 4 + 8, std=reference.std * 4)
    )
    np.testing.assert_allclose(elsewhere.displacement, 4 * found.displacement, rtol=1e-4, atol=1e-8)
    number = np.random.default_rng(0).permutation(6)
    renumbered = refine(features, number[labels], reference)
    np.testing.assert_allclose(renumbered.displacement[number], found.displacement, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_moves_without_overlap(mode):
    for statistics in (balls([[0, 0], [9, 0], [0, 9]]), balls([[0, 0], [1e-9, 0], [0, 0]], variance=0.0)):
        found = simulate(statistics, UNIT, lam=1.0, mode=mode)
        assert not found.displacement.any()
        assert found.force_ratios.tolist() == [0.0]
        assert found.final_energy == 0


def test_coinciding_centres_have_no_direction():
    found = simulate(balls([[0, 0], [0, 0], [1, 0]]), UNIT, lam=1.0)
    assert np.isfinite(found.displacement).all()
    np.testing.assert_allclose(found.displacement[0], found.displacement[1], rtol=1e-12)
    assert found.displacement[2, 0] > 0 > found.displacement[0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_coinciding_centres_stay_together_whatever_the_processor_rounds(seed):
    centres = np.random.default_rng(seed).normal(size=(6, 7))
    centres[1] = centres[0]
    statistics = ClassStatistics(np.full(6, 5), centres, np.ones((6, 7)))
    reference = ReferenceStatistics(mean=np.zeros(7), std=np.ones(7))
    found = simulate(statistics, reference, lam=1.0, exit_ratio=0.0).displacement
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-12 * np.abs(found).max())


def test_nearly_coinciding_centres_part_by_their_overlap():
    gap = 1e-7
    found = simulate(balls([[50, 3], [50 + gap, 3]]), UNIT, lam=1.0, max_steps=1)
    np.testing.assert_allclose(found.displacement[1], [0.005 * (2 - gap), 0], rtol=1e-5, atol=1e-9)


def test_keep_terminal_step_applies_the_move_that_ends_it():
    statistics = balls([[0, 0], [1, 0], [0, 1.5]])
    code = simulate(statistics, UNIT, lam=1.0, dt=0.5)
    paper = simulate(statistics, UNIT, lam=1.0, dt=0.5, mode="paper")
    np.testing.assert_array_equal(code.force_ratios, paper.force_ratios)
    assert len(code.force_ratios) < 6
    assert (code.steps, paper.steps) == (len(code.force_ratios) - 1, len(code.force_ratios))
    assert np.abs(paper.displacement).sum() > np.abs(code.displacement).sum()


def test_clamp_binds_beyond_the_overlap():
    options = {"lam": 1.0, "dt": 2.0, "max_steps": 1}  # half k dt^2 is 2
    statistics = balls([[0, 0], [1.5, 0]])
    assert simulate(statistics, UNIT, **options).displacement[1, 0] == pytest.approx(0.5)
    assert simulate(statistics, UNIT, **options, clamp=False).displacement[1, 0] == pytest.approx(1.0)


def test_signed_overlap_attracts_what_is_apart():
    found = simulate(balls([[0, 0], [9, 0]]), UNIT, lam=1.0, max_steps=1, signed_overlap=True)
    np.testing.assert_allclose(found.displacement, [[0.005 * 7, 0], [-0.005 * 7, 0]])


def test_the_norm_of_the_sum_ends_at_once():
    statistics = balls([[0, 0], [1, 0], [0.3, 0.8]])
    assert simulate(statistics, UNIT, lam=1.0, summed_force_norm=True).steps == 0
    assert simulate(statistics, UNIT, lam=1.0, summed_force_norm=True, mode="paper").steps == 1


def test_apply_adds_to_a_copy():
    features, labels = clusters(5000, 3, 4)
    found = refine(features, labels, ReferenceStatistics.from_features(features))
    refined = found.apply(features, labels)
    assert refined.dtype == np.float32
    np.testing.assert_allclose(refined, features + found.displacement[labels], rtol=1e-6, atol=1e-6)
    assert found.apply(features.astype(np.float64), labels).dtype == np.float32
    with pytest.raises(InputError, match="does not fit"):
        found.apply(features[:, :2], labels)
    with pytest.raises(InputError, match="does not fit"):
        found.apply(features, labels + 1)


def test_many_classes_and_features_fit_in_a_gigabyte():
    rng = np.random.default_rng(0)
    statistics = ClassStatistics(np.full(1000, 5), rng.normal(size=(1000, 4096)), np.ones((1000, 4096)))
    reference = ReferenceStatistics(mean=np.zeros(4096), std=np.ones(4096))
    tracemalloc.start()
    found = simulate(statistics, reference, lam=1.0, max_steps=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.steps == 1
    assert peak < 4e8  # and twice 33 MB for the statistics themselves


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "papper"}, "unknown mode 'papper'; choose from"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": 2.5}, "max_steps"),
        ({"lam": -0.1}, "lam"),
        ({"dt": float("nan")}, "dt"),
    ],
)
def test_bad_options_get_one_line(options, message):
    with pytest.raises(InputError, match=message):
        simulate(balls([[0, 0], [1, 0]]), UNIT, **options)


def test_a_misspelt_option_is_named():
    with pytest.raises(InputError, match="PED: unknown option .clip.; did you mean"):
        refine(*clusters(40, 2, 3, seed=0), UNIT, clip=True)


def test_a_reference_of_other_features_is_refused():
    with pytest.raises(InputError, match="the reference statistics have 3 dimensions, but the features have 2"):
        simulate(balls([[0, 0], [1, 0]]), ReferenceStatistics(mean=np.zeros(3), std=np.ones(3)))


def test_attract_is_a_step_back_of_ped():
    statistics = balls([[0, 0], [1, 0], [5, 0]])
    found = attract(statistics, alpha=0.01, sigma=1.0)
    # 0 and 1 overlap by 1 and approach; 5 is 3 and 2 away from touching them and parts.
    np.testing.assert_allclose(found.displacement[:, 0], 0.01 * np.array([1 - 3, -1 - 2, 3 + 2]))
    with pytest.raises(InputError, match="alpha"):
        attract(statistics, alpha=float("inf"))
