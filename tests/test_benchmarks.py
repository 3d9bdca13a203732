"""What the benchmark times against each other gives the same numbers."""

import sys
from pathlib import Path

import numpy as np
import pytest
from golden import NAMES, golden

from pedrank import ReferenceStatistics, refine, score

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import plain


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metric", ["logme", "sfda", "gbc", "parc"])
def test_plain_algorithms_agree(metric, name):
    arrays, _ = golden(name)
    features, labels = arrays["features"], arrays["labels"]
    # PARC's labels differ by round-off, see tests/reference/README.md.
    tolerance = 1e-3 if metric == "parc" else 1e-6
    assert getattr(plain, metric)(features, labels) == pytest.approx(score(metric, features, labels), rel=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_plain_ped_agrees(name):
    arrays, _ = golden(name)
    features, labels = arrays["features"], arrays["labels"]
    reference = ReferenceStatistics.from_features(arrays["reference"])
    refined = plain.ped(features, labels, reference.mean, reference.std)
    expected = refine(features, labels, reference).apply(features, labels)
    np.testing.assert_allclose(refined, expected, rtol=1e-5, atol=1e-5)


def test_plain_nleep_agrees_but_for_its_start():
    arrays, _ = golden("balanced-small")
    features, labels = arrays["features"], arrays["labels"]
    assert plain.nleep(features, labels) == pytest.approx(score("nleep", features, labels), abs=0.05)


def test_the_benchmark_of_features_runs_both_sides(tmp_path):
    import features

    photos = features.photographs(4)
    assert min(features.preparing(tmp_path, photos, threads=2, rounds=1)) > 0
    assert min(features.extracting(tmp_path, "cpu", "float32", batch_size=2, batches=2, rounds=1)) > 0
