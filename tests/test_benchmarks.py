"""What the benchmark times against each other gives the same numbers."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import NAMES, golden

from pedrank import ReferenceStatistics, refine, score

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import plain


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metric", ["logme", "sfda", "gbc", "parc", "knn"])
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
    images = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    assert min(features.extracting(tmp_path, images, "cpu", "float32", batch_size=2, batches=2, rounds=1)) > 0


def test_the_benchmark_of_gpus_runs_on_torchs_cpu_device(monkeypatch, capsys, tmp_path):
    import gpu

    out = tmp_path / "page.md"
    metrics = "--shapes Tiny=60,8,3 --rounds 1 --extracted 2 --batches 2"
    training = "--architecture tiny-resnet --size 16 --source 20 --batch 4 --steps 2 --images 8 --threads 0"
    monkeypatch.setattr(sys, "argv", ["gpu.py", *f"--device cpu:0 {metrics} {training} --out {out}".split()])
    gpu.main()
    assert out.read_text() == capsys.readouterr().out.removesuffix("\n")
    rows = [line.split(" | ") for line in out.read_text().splitlines() if line.startswith("| Tiny")]
    assert [row[1] for row in rows] == list(gpu.METRICS)
    assert all(float(row[5].strip(" |")) < 1e-6 and float(row[3]) > 0 for row in rows)
    assert "| float32 |" in out.read_text() and "| tiny-resnet, 16 pixels, batches of 4 |" in out.read_text()


def test_without_a_gpu_its_page_has_no_figures(monkeypatch, tmp_path):
    """The page that is committed is what `make bench-gpu` writes without a GPU, or has the name of one."""
    import gpu

    out = tmp_path / "page.md"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(out)])
    gpu.main()
    cells = [cell for line in out.read_text().splitlines() if line.startswith("| ") for cell in line.split(" | ")[2:]]
    assert sum(gpu.NOTHING in cell for cell in cells) > 3 * len(gpu.METRICS) * 4
    committed = gpu.PAGE.read_text()
    threads = re.compile(r"\d+ CPU threads")
    assert gpu.NOTHING not in committed or threads.sub("", committed) == threads.sub("", out.read_text())


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
