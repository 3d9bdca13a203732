"""The scatter and its spectrum by torch: the same numbers as NumPy's. CUDA is tried where there is one."""

import numpy as np
import pytest
import torch
from golden import clusters

from pedrank import ReferenceStatistics, refine, score
from pedrank.observation import accelerator
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ClassStatistics, within_scatter
from pedrank.utils.errors import InputError

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
def test_scatter_and_spectrum_are_numpys(device, monkeypatch):
    monkeypatch.setattr(accelerator, "_BLOCK", 8)  # several blocks
    features, labels = clusters(3000, 20, 6)
    features.flags.writeable = False
    means = ClassStatistics.from_features(features, labels).means
    expected = within_scatter(features, labels, means)
    found = accelerator.within_scatter(features, labels, means, device)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * expected.max())
    b = np.random.default_rng(0).normal(size=(20, 3))
    within = accelerator.spectrum(expected, device)
    rotated = within.rotate(b)
    exact = b.T @ np.linalg.solve(expected + 0.5 * np.eye(20), b)
    np.testing.assert_allclose(rotated.T @ within.solve(rotated, 0.5), exact, rtol=1e-9)


@pytest.mark.parametrize("name", ["logme", "sfda", "h_score", "lda"])
def test_scores_agree_between_devices(name, monkeypatch):
    features, labels = clusters(400, 30, 5)
    refinement = refine(features, labels, ReferenceStatistics.from_features(features))
    monkeypatch.setattr(accelerator, "find", lambda device: torch.device(DEVICES[-1]))
    for moved in (None, refinement):
        assert score(name, features, labels, moved, device="elsewhere") == pytest.approx(
            score(name, features, labels, moved), rel=1e-6
        )


def test_a_device_that_is_not_there_is_refused_in_one_line():
    features, labels = clusters(50, 4, 2)
    for device in ("nowhere", *(["cuda"] if not torch.cuda.is_available() else [])):
        with pytest.raises(InputError, match=f"device '{device}': cannot compute in float64") as error:
            observe(features, labels, device=device).within_scatter()
        assert "\n" not in str(error.value)
