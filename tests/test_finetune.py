"""One run: against a plain loop, in each regime, under divergence, too little memory, and kills."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from colours import NORMALISATION, colours, small_network
from torch.nn import functional

from pedrank.datasets.dataset import save_images
from pedrank.finetune import state, step
from pedrank.finetune.model import assemble
from pedrank.finetune.protocol import Options
from pedrank.finetune.sgd import gradients, loss
from pedrank.finetune.train import Outcome, finetune
from pedrank.finetune.training_images import images_of
from pedrank.networks.build import build
from pedrank.store.artefacts import read_json, read_metadata, write_arrays
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

OPTIONS = Options(learning_rate=0.1, weight_decay=1e-3, steps=12, batch_size=16)


def run(network=None, images=None, options=OPTIONS, seed=0, **kept) -> Outcome:
    images = images or images_of(colours())
    return finetune(network or small_network(), NORMALISATION, images, ["train"], ["test"], options, seed, **kept)


def same(one: Outcome, other: Outcome) -> bool:
    """Equal in everything but the time it took."""
    return dataclasses.replace(one, seconds=0) == dataclasses.replace(other, seconds=0)


def test_a_run_is_nesterov_sgd_on_every_layer_along_half_a_cosine():
    dataset, network = colours(), small_network()
    generator = torch.Generator().manual_seed(7)
    head = torch.nn.Linear(6, 3)
    head.weight.data.normal_(0, 0.01, generator=generator)
    head.bias.data.zero_()
    model = torch.nn.Sequential(network, head).train()
    network[1].momentum = 8 / 12
    order = torch.cat([torch.randperm(30, generator=generator) for _ in range(7)])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=12)
    x, y = tensors(dataset, 0)
    losses = []
    for i in range(12):
        batch = order[16 * i : 16 * i + 16]
        loss = functional.cross_entropy(model(x[batch]), y[batch])
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    x, y = tensors(dataset, 2)
    accuracy = (model.eval()(x).argmax(dim=1) == y).float().mean().item()

    outcome = run(seed=7)
    assert [i for i, _ in outcome.curve] == list(range(12))
    np.testing.assert_allclose([loss for _, loss in outcome.curve], losses, rtol=1e-4)
    assert outcome.accuracy == pytest.approx(100 * accuracy)
    assert not outcome.diverged
    assert outcome.micro_batch == 16


def tensors(dataset, split: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised images (N, 3, H, W) and labels of one split."""
    rows = dataset.split == split
    pixels = torch.from_numpy((dataset.images[rows] / 255 - 0.5) / 0.25).float()
    return pixels.permute(0, 3, 1, 2), torch.from_numpy(dataset.labels[rows])


def test_the_network_learns_and_is_left_as_it_was():
    network = small_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    outcome = run(network, options=dataclasses.replace(OPTIONS, steps=60))
    assert outcome.accuracy > 90
    assert len(outcome.curve) <= 16
    assert outcome.curve[-1][1] < outcome.curve[0][1] / 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not network.training


def test_a_run_follows_its_seed():
    assert same(run(seed=1), run(seed=1))
    assert run(seed=1).weights != run(seed=2).weights


def test_crops_follow_the_seed_and_are_taken_from_the_larger_images():
    dataset = colours()
    images = images_of(dataset, source=colours(size=16).images)
    options = dataclasses.replace(OPTIONS, augmentation="crop_flip", steps=60)
    assert same(run(images=images, options=options), run(images=images, options=options))
    assert run(images=images, options=options).weights != run(images=images_of(dataset), options=options).weights
    assert run(images=images, options=options).accuracy > 90


def test_bfloat16_steps_stay_near_those_of_float32_and_keep_the_weights():
    exact, rounded = (run(options=dataclasses.replace(OPTIONS, precision=p)) for p in ("float32", "bfloat16"))
    np.testing.assert_allclose(rounded.curve, exact.curve, rtol=0.05)
    assert rounded.weights != exact.weights


@pytest.mark.parametrize(("steps", "momentum"), [(1, 1.0), (4, 1.0), (40, 0.2), (80, 0.1), (200, 0.1)])
def test_a_short_run_has_a_short_batch_norm_memory(steps, momentum):
    model = assemble(small_network(), 3, dataclasses.replace(OPTIONS, steps=steps), torch.Generator())
    assert model[0][1].momentum == pytest.approx(momentum)


@pytest.mark.parametrize("statistics", ["running", "batch"])
@pytest.mark.parametrize(
    ("regime", "trained"),
    [
        ("full", {"0.conv1", "0.bn1", "0.stage1", "0.stage2", "0.stage3", "1"}),
        ("last_block", {"0.stage3", "1"}),
        ("linear", {"1"}),
    ],
)
def test_each_regime_trains_its_layers_and_no_others(regime, trained, statistics):
    """The released code freezes all but the head, and its running statistics drift all the same."""
    options = Options(0.1, 1e-3, 3, 16, regime=regime, frozen_batch_norm=statistics)
    network = build("tiny-resnet")
    model = assemble(network, 3, options, torch.Generator())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    x, y = torch.randn(16, 3, 32, 32), torch.arange(16) % 3
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight, slope in zip(weights, gradients(model, x, y, weights, 16)[1], strict=True):
        weight.data -= slope
    for name, tensor in model.state_dict().items():
        part = any(name.startswith(f"{layer}.") for layer in trained)
        if "num_batches" in name:
            continue
        moved = part or (statistics == "batch" and "running" in name)
        assert torch.equal(tensor, before[name]) != moved, name


def test_the_last_block_of_a_resnet_50_is_its_last_bottleneck():
    model = assemble(build("resnet50"), 3, Options(0.1, 0, 3, 16, regime="last_block"), torch.Generator())
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert {name[:10] for name in names} == {"0.layer4.2", "1.weight", "1.bias"}
    assert len(names) == 9 + 2  # three convolutions, three pairs of a normalisation, and the head


def test_a_network_without_blocks_has_no_last_one():
    with pytest.raises(InputError, match="no residual block"):
        assemble(small_network(), 3, Options(0.1, 0, 3, 16, regime="last_block"), torch.Generator())


def test_several_labels_per_image_train_on_the_known_ones():
    outputs = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
    targets = torch.tensor([[1, 0, -1], [0, 1, 1]], dtype=torch.int8)
    by_hand = -sum(
        [
            functional.logsigmoid(torch.tensor(sign * value)).item()
            for value, sign in [(2.0, 1), (-1.0, -1), (0.0, -1), (3.0, 1), (-2.0, 1)]
        ]
    )
    assert loss(outputs, targets).item() == pytest.approx(by_hand / 5)


def test_a_multi_label_run_reports_average_precision():
    dataset = colours()
    targets = np.eye(3, dtype=np.int8)[dataset.labels]
    outcome = run(images=images_of(dataset, "11-point mAP", targets=targets), options=Options(0.5, 1e-4, 60, 16))
    assert outcome.accuracy > 90


def test_difficult_objects_that_count_as_absent_are_trained_and_tested_as_absent():
    """The run is that of targets in which they are absent, down to its weights; left out, they give others."""
    dataset = colours()
    targets = np.eye(3, dtype=np.int8)[dataset.labels]
    difficult = np.where((targets == 0) & (np.arange(len(targets))[:, None] % 3 == 0), np.int8(-1), targets)
    options = Options(0.5, 1e-4, 12, 16, average_precision="curve", difficult="absent")
    plain = run(images=images_of(dataset, "11-point mAP", targets=targets), options=options)
    found = run(images=images_of(dataset, "11-point mAP", targets=difficult), options=options)
    assert (found.accuracy, found.weights) == (plain.accuracy, plain.weights)
    left_out = run(
        images=images_of(dataset, "11-point mAP", targets=difficult),
        options=dataclasses.replace(options, difficult="left_out"),
    )
    assert left_out.weights != plain.weights


@pytest.mark.parametrize("learning_rate", [1e6, 1e30])
def test_divergence_is_an_outcome_at_chance_level(learning_rate):
    outcome = run(options=Options(learning_rate, 1.0, 12, 16))
    assert outcome.diverged
    assert outcome.accuracy == pytest.approx(100 / 3)
    json.dumps(dataclasses.asdict(outcome), allow_nan=False)


def test_outputs_that_are_not_finite_after_the_last_step_are_divergence():
    assert run(options=Options(1e38, 0.0, 1, 16)).diverged


def test_an_empty_split_is_refused():
    dataset = colours()
    dataset = dataclasses.replace(dataset, split=np.minimum(dataset.split, 1))
    with pytest.raises(InputError, match="colours: no test images"):
        run(images=images_of(dataset))


class Limited(torch.nn.Module):
    """A network on a device whose memory holds `limit` images."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.inner, self.limit, self.feature_dim = small_network(), limit, 6
        self.inner[1] = torch.nn.GroupNorm(1, 6)  # no batch statistics, so that parts give the gradient of the whole

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.limit:
            raise torch.OutOfMemoryError("out of memory")
        return self.inner(x)


@pytest.mark.parametrize(("limit", "micro_batch"), [(16, 16), (9, 8), (7, 4), (1, 1)])
def test_where_memory_ends_the_batch_is_computed_in_parts(limit, micro_batch):
    outcome, whole = run(Limited(limit)), run(Limited(1000))
    assert outcome.micro_batch == micro_batch
    np.testing.assert_allclose(outcome.curve, whole.curve, rtol=1e-4)
    assert outcome.accuracy == whole.accuracy


def test_a_failed_attempt_leaves_no_trace_in_the_running_statistics():
    class Late(torch.nn.Module):
        """Fails behind its batch normalisation."""

        def __init__(self) -> None:
            super().__init__()
            self.inner, self.feature_dim, self.tried = small_network(), 6, False

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            features = self.inner(x)
            if self.training and not self.tried:
                self.tried = True
                raise torch.OutOfMemoryError("out of memory")
            return features

    late, ready = Late(), Late()
    ready.tried = True
    pixels, labels = torch.randint(0, 256, (16, 8, 8, 3)), torch.arange(16) % 3
    statistics = []
    for network, micro_batch in ((late, 16), (ready, 8)):
        device = torch.device("cpu")
        training = step.prepare_training(network, NORMALISATION, 3, OPTIONS, torch.Generator().manual_seed(0), device)
        step.take_step(training, pixels, labels, 0, state.Progress(micro_batch))
        statistics.append(training.model[0].inner[1].running_mean)
    assert torch.equal(*statistics)


def test_one_image_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="not even one image"):
        run(Limited(0))


@pytest.fixture
def stop_after(monkeypatch):
    """Raise the flag of SIGTERM after so many steps."""

    def arrange(steps: int) -> None:
        taken = []

        def counted(*arguments):
            train_step(*arguments)
            taken.append(1)
            if len(taken) == steps:
                state.STOP.set()

        monkeypatch.setattr(step, "nesterov", counted)

    train_step = step.nesterov
    yield arrange
    state.STOP.clear()


@pytest.mark.parametrize("done", [1, 5, 11])
@pytest.mark.parametrize("augmentation", ["none", "crop_flip"])
def test_a_run_stopped_at_any_step_and_resumed_ends_with_the_same_weights(tmp_path, stop_after, done, augmentation):
    options = dataclasses.replace(OPTIONS, augmentation=augmentation)
    never_stopped = run(options=options)
    file = tmp_path / "run.state.safetensors"
    stop_after(done)
    with pytest.raises(SystemExit, match=f"stopped by SIGTERM after step {done};"):
        run(options=options, kept=file, run="this")
    state.STOP.clear()
    resumed = run(options=options, kept=file, run="this")
    assert same(resumed, never_stopped)
    assert same(run(options=options, kept=file, run="another"), never_stopped)


def test_the_state_is_saved_as_time_goes_by(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "SAVE_SECONDS", -1)
    run(kept=tmp_path / "state.safetensors", run="this")
    assert read_metadata(tmp_path / "state.safetensors")["step"] == 12


def files(folder):
    """A dataset file and a checkpoint file."""
    save_images(colours(size=32), folder / "images.safetensors")
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in build("tiny-resnet").state_dict().items()}
    write_arrays(
        folder / "random.safetensors", weights, {"architecture": "tiny-resnet", "normalisation": NORMALISATION}
    )
    return folder / "images.safetensors", folder / "random.safetensors"


SAVING_AT_EVERY_STEP = """
import runpy, sys
from pedrank.finetune import state
state.SAVE_SECONDS = -1
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def test_a_process_killed_at_random_steps_is_finished_by_the_same_command(tmp_path):
    images, checkpoint = files(tmp_path)
    training = {"steps": 60, "batch_size": 32, "augmentation": "crop_flip"}

    def start(out):
        command = [
            *(sys.executable, "-c", SAVING_AT_EVERY_STEP, str(ROOT / "scripts/finetune_run.py")),
            *("--images", str(images), "--metric", "top-1", "--checkpoint", str(checkpoint)),
            *("--training", json.dumps(training), "--point", "0.1", "0.0001", "--out", str(tmp_path / out)),
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    unfinished = tmp_path / "killed.state.safetensors"
    done = 0
    for kill in (signal.SIGTERM, signal.SIGKILL):
        process = start("killed.json")
        while not unfinished.exists() or read_metadata(unfinished)["step"] == done:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.2))
        process.send_signal(kill)
        message = process.communicate()[1]
        assert ("stopped by SIGTERM after step" in message) == (kill == signal.SIGTERM)
        assert process.returncode != 0
        assert done < read_metadata(unfinished)["step"] < 60
        done = read_metadata(unfinished)["step"]
    for out in ("killed.json", "whole.json"):
        process = start(out)
        assert "validation" in process.communicate()[1]
        assert process.returncode == 0
    assert read_json(tmp_path / "killed.json") == read_json(tmp_path / "whole.json")
    assert not unfinished.exists()
