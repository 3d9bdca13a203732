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
    # The plain PARC correlates one-hot labels in floating point, as the released code does.
    options = {"label_distance": "as_released"} if metric == "parc" else {}
    expected = score(metric, features, labels, **options)
    assert getattr(plain, metric)(features, labels) == pytest.approx(expected, rel=1e-4 if metric == "parc" else 1e-6)


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


def test_the_benchmark_of_fine_tuning_runs(monkeypatch, capsys):
    import finetune

    arguments = "--architecture tiny-resnet --size 16 --source 20 --batch 4 --steps 2 --images 8 --threads 0"
    monkeypatch.setattr(sys, "argv", ["finetune.py", *arguments.split()])
    finetune.main()
    printed = capsys.readouterr().out
    assert "tiny-resnet at 16 pixels, batch 4" in printed
    assert all(float(line.split()[1]) > 0 for line in printed.splitlines()[1:4])


def test_the_benchmark_of_features_runs_both_sides(tmp_path):
    import features

    photos = features.photographs(4)
    assert min(features.preparing(tmp_path, photos, threads=2, rounds=1)) > 0
    assert min(features.extracting(tmp_path, "cpu", "float32", batch_size=2, batches=2, rounds=1)) > 0


def test_the_benchmark_of_the_study_times_every_metric():
    import study

    config = {
        "metrics": ["logme", "gbc"],
        "baselines": ["knn"],
        "ped": {"mode": "as_released", "lambdas": [0.3, 0.6], "dt": 0.1},
    }
    seconds = study.seconds_of((60, 8, 3), config)
    assert list(seconds) == ["ped", "logme", "gbc", "knn"]
    assert min(seconds.values()) > 0
