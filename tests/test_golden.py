"""Agreement with the public reference code of each metric and of PED."""

import numpy as np
import pytest
from golden import NAMES, golden

from pedrank import ReferenceStatistics, refine, score

SCORES = {
    "logme": ("logme", {}, 1e-6, 1e-5),
    "sfda": ("sfda", {}, 1e-6, 1e-5),
    "gbc_diagonal": ("gbc", {"variant": "diagonal"}, 1e-6, 2e-4),
    "gbc_spherical": ("gbc", {"variant": "spherical"}, 1e-6, 2e-4),
    "h_score_ledoit_wolf": ("h_score", {}, 1e-6, 1e-5),
    "transrate": ("transrate", {}, 1e-6, 1e-5),
}
CASES = [(name, step) for name in NAMES for step in range(4)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", SCORES)
def test_base_scores(name, key):
    arrays, numbers = golden(name)
    metric, options, tolerance, _ = SCORES[key]
    assert score(metric, arrays["features"], arrays["labels"], **options) == pytest.approx(
        numbers["base"][key], rel=tolerance
    )


@pytest.mark.parametrize(("name", "step"), CASES)
def test_ped_and_scores_after_it(name, step):
    arrays, numbers = golden(name)
    features, labels = arrays["features"], arrays["labels"]
    expected = numbers["ped"][step]
    reference = ReferenceStatistics.from_features(arrays["reference"])
    refinement = refine(
        features,
        labels,
        reference,
        lam=expected["lambda"],
        dt=expected["dt"],
        k=expected["k"],
        max_steps=expected["max_steps"],
        exit_ratio=expected["exit_ratio"],
    )
    assert refinement.steps == expected["applied_steps"]
    np.testing.assert_allclose(refinement.force_ratios, expected["force_ratios"], rtol=1e-5)
    assert refinement.moves[0] == pytest.approx(expected["first_l1_displacement"], rel=1e-5)
    displacement = arrays[f"displacement_lambda{expected['lambda']}_dt{expected['dt']}"]
    allowed = 1e-5 * np.abs(displacement).max() + 1e-6 * np.abs(features).max()
    np.testing.assert_allclose(refinement.displacement, displacement, rtol=0, atol=allowed)

    for key, (metric, options, _, tolerance) in SCORES.items():
        value = score(metric, features, labels, refinement=refinement, **options)
        assert value == pytest.approx(expected[key], rel=tolerance), key


# Exact label distances, computed apart from this code in float64. The reference code rounds them instead.
EXACT_PARC = {"balanced-small": 8.249431629, "many-classes": 8.958482864, "wide-few": 23.038593443}


@pytest.mark.parametrize("name", NAMES)
def test_parc(name):
    arrays, numbers = golden(name)
    value = score("parc", arrays["features"].astype(np.float64), arrays["labels"])
    assert value == pytest.approx(EXACT_PARC[name], rel=1e-9)


# The rounding depends on the processor and the BLAS library, so the tolerance is that of the exact score.
@pytest.mark.parametrize(("name", "tolerance"), [("balanced-small", 1e-6), ("many-classes", 1e-3), ("wide-few", 2e-3)])
def test_parc_as_released(name, tolerance):
    arrays, numbers = golden(name)
    value = score("parc", arrays["features"], arrays["labels"], label_distance="as_released")
    assert value == pytest.approx(numbers["base"]["parc"], rel=tolerance)
