"""The estimate: sums by hand, on a probe that is given; the probe itself on the tiny network."""

import pytest
import torch
import yaml

import pedrank.finetune.estimate as module
from pedrank.finetune.estimate import estimate, runs_of, seconds
from pedrank.finetune.probe import Probe, probe
from pedrank.finetune.protocol import Options, protocol
from pedrank.utils.paths import ROOT

GRID = {"learning_rates": [0.1, 0.01], "weight_decays": [1e-4, 1e-5], "seeds": 3, "steps": 100, "batch_size": 10}
COST = Probe(train_seconds=0.01, test_seconds=0.002, weights=4_000_000, memory=None, steps=30, batch_size=10)


def test_seconds_of_a_pair_are_those_of_its_runs():
    training, judging = 7 * 100 * 10 * 0.01, (4 * 20 + 3 * 50) * 0.002
    assert seconds(protocol(GRID), 80, 20, 50, COST) == pytest.approx(training + judging)
    halving = protocol(GRID | {"halving": 2})  # four points for 25 steps, then two for 50
    training, judging = (4 * 25 + 2 * 50 + 3 * 100) * 10 * 0.01, (6 * 20 + 3 * 50) * 0.002
    assert seconds(halving, 80, 20, 50, COST) == pytest.approx(training + judging)
    assert (runs_of(protocol(GRID)), runs_of(halving)) == (7, 9)


def test_the_papers_study_is_counted(monkeypatch):
    monkeypatch.setattr(module, "probe", lambda *arguments: COST)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    text = estimate(config, torch.device("cpu"))
    assert "120 pairs of checkpoint and dataset, 21 runs each (the whole grid, no early stopping): 2,520 runs" in text
    steps = 120 * 21 * 5000 * 128 * 0.01 / 3600
    hours = float(text.split("Time: ")[1].split(" hours")[0].replace(",", ""))
    assert steps < hours < 1.05 * steps
    assert "8.0 MB of state" in text
    minutes = float(text.split("One run: ")[1].split(" minutes")[0].replace(",", ""))
    assert 5000 * 128 * 0.01 / 60 < minutes < (5000 * 128 * 0.01 + 30_000 * 0.002) / 60


@pytest.mark.parametrize("augmentation", ["none", "crop_flip"])
def test_a_probe_times_thirty_steps(augmentation):
    options = Options(0.1, 1e-4, 5000, 4, augmentation=augmentation, precision="auto")
    found = probe("tiny-resnet", 10, 16, 20, options, torch.device("cpu"))
    assert (found.steps, found.batch_size, found.memory) == (30, 4, None)
    assert min(found.train_seconds, found.test_seconds) > 0
    assert 400_000 < found.weights < 500_000
