"""Fine-tuning: one run against a plain loop, the grid, and what a killed grid keeps."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

import pedrank.finetune as module
from pedrank.artefacts import write_arrays
from pedrank.datasets import Dataset, save_images
from pedrank.errors import InputError
from pedrank.finetune import Options, Outcome, finetune, run_grid
from pedrank.networks import build

NORMALISATION = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
OPTIONS = Options(learning_rate=0.1, weight_decay=1e-3, steps=12, batch_size=16)


def colours(size: int = 8, per_class: int = 20) -> Dataset:
    """Three classes, told apart by the brightest channel."""
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(3), per_class)
    images = random.integers(0, 120, (3 * per_class, size, size, 3), np.uint8)
    images[np.arange(3 * per_class), :, :, labels] += 100
    split = np.repeat(np.array([0, 1, 2], np.uint8), [3 * per_class // 2, 3 * per_class // 4, 3 * per_class // 4])
    return Dataset("colours", images, labels, split, ("red", "green", "blue"), "made here", "none")


def small_network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1)
    network = torch.nn.Sequential(*layers, torch.nn.Flatten())
    network.feature_dim = 6
    return network.eval()


def run(network=None, dataset=None, test=("test",), options=OPTIONS, seed=0) -> Outcome:
    return finetune(network or small_network(), NORMALISATION, dataset or colours(), ["train"], test, options, seed)


def test_a_run_is_nesterov_sgd_on_every_layer_along_half_a_cosine():
    dataset, network = colours(), small_network()
    random = torch.Generator().manual_seed(7)
    head = torch.nn.Linear(6, 3)
    head.weight.data.normal_(0, 0.01, generator=random)
    head.bias.data.zero_()
    model = torch.nn.Sequential(network, head).train()
    network[1].momentum = 8 / 12
    order = torch.cat([torch.randperm(30, generator=random) for _ in range(7)])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=12)
    x, y = tensors(dataset, 0)
    losses = []
    for step in range(12):
        batch = order[16 * step : 16 * step + 16]
        loss = functional.cross_entropy(model(x[batch]), y[batch])
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    x, y = tensors(dataset, 2)
    accuracy = (model.eval()(x).argmax(dim=1) == y).float().mean().item()

    outcome = run(seed=7)
    assert [step for step, _ in outcome.curve] == list(range(12))
    np.testing.assert_allclose([loss for _, loss in outcome.curve], losses, rtol=1e-4)
    assert outcome.accuracy == pytest.approx(100 * accuracy)
    assert not outcome.diverged


def tensors(dataset: Dataset, split: int) -> tuple[torch.Tensor, torch.Tensor]:
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
    assert run(seed=1) == run(seed=1)
    assert run(seed=1).curve != run(seed=2).curve


@pytest.mark.parametrize(("steps", "momentum"), [(1, 1.0), (4, 1.0), (40, 0.2), (80, 0.1), (200, 0.1)])
def test_a_short_run_has_a_short_batch_norm_memory(steps, momentum, monkeypatch):
    trained = []
    monkeypatch.setattr(module, "_accuracy", lambda model, *others: trained.append(model) or 50.0)
    run(options=dataclasses.replace(OPTIONS, steps=steps, batch_size=2))
    assert trained[0][0][1].momentum == pytest.approx(momentum)


@pytest.mark.parametrize("learning_rate", [1e6, 1e30])
def test_divergence_is_an_outcome_at_chance_level(learning_rate):
    outcome = run(options=Options(learning_rate, 1.0, 12, 16))
    assert outcome.diverged
    assert outcome.accuracy == pytest.approx(100 / 3)
    json.dumps(dataclasses.asdict(outcome), allow_nan=False)


def test_outputs_that_are_not_finite_after_the_last_step_are_divergence():
    outcome = run(options=Options(1e38, 0.0, 1, 16))
    assert outcome.diverged


def test_an_empty_split_is_refused():
    dataset = colours()
    dataset = dataclasses.replace(dataset, split=np.minimum(dataset.split, 1))
    with pytest.raises(InputError, match="colours: no images in train, or none in test"):
        run(dataset=dataset)


@pytest.fixture
def files(tmp_path):
    """A dataset file and a checkpoint file."""
    save_images(colours(size=32), tmp_path / "images.safetensors")
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in build("tiny-resnet").state_dict().items()}
    metadata = {"architecture": "tiny-resnet", "normalisation": NORMALISATION}
    write_arrays(tmp_path / "random.safetensors", weights, metadata)
    return tmp_path / "images.safetensors", tmp_path / "random.safetensors"


def grid(files, folder, **changes):
    options = {"learning_rates": [0.1, 0.01], "weight_decays": [1e-4, 1e-5], "seeds": 2, "steps": 2, "batch_size": 8}
    return run_grid(*files, folder, **options | changes)


@pytest.fixture
def calls(monkeypatch):
    """Replace training by a table of validation accuracies, and list the runs asked for."""
    asked = []
    accuracies = {(0.1, 1e-4): 50.0, (0.1, 1e-5): 70.0, (0.01, 1e-4): 70.0, (0.01, 1e-5): 60.0}
    diverging = set()

    def pretend(network, normalisation, dataset, train, test, options, seed, device):
        point = (options.learning_rate, options.weight_decay)
        asked.append((*point, seed, tuple(train), tuple(test)))
        return Outcome(accuracies.get(point, 0.0) + seed, point in diverging, [(0, 1.0)])

    monkeypatch.setattr(module, "finetune", pretend)
    return SimpleNamespace(asked=asked, diverging=diverging)


def test_the_first_of_the_best_grid_points_is_trained_on_both_splits_and_tested(files, tmp_path, calls):
    runs = grid(files, tmp_path / "runs")
    points = [(0.1, 1e-4), (0.1, 1e-5), (0.01, 1e-4), (0.01, 1e-5)]
    validation = [(*point, 0, ("train",), ("validation",)) for point in points]
    assert calls.asked == validation + [(0.1, 1e-5, seed, ("train", "validation"), ("test",)) for seed in (0, 1)]
    assert [run["stage"] for run in runs] == ["validation"] * 4 + ["test"] * 2
    assert [run["accuracy"] for run in runs[4:]] == [70.0, 71.0]


def test_a_diverged_grid_point_is_not_chosen(files, tmp_path, calls):
    calls.diverging.update({(0.1, 1e-5), (0.01, 1e-4)})
    assert grid(files, tmp_path / "runs")[-1]["weight_decay"] == 1e-5
    assert grid(files, tmp_path / "runs")[-1]["learning_rate"] == 0.01


def test_finished_runs_are_kept_and_others_made_again(files, tmp_path, calls):
    first = grid(files, tmp_path / "runs", code="one")
    assert grid(files, tmp_path / "runs", code="one") == first
    assert len(calls.asked) == 6
    (tmp_path / "runs" / "validation-lr0.1-wd0.0001-seed0.json").unlink()
    assert grid(files, tmp_path / "runs", code="one") == first
    assert len(calls.asked) == 7
    grid(files, tmp_path / "runs", code="one", seeds=3)
    assert len(calls.asked) == 8
    grid(files, tmp_path / "runs", code="two")
    assert len(calls.asked) == 14
    grid(files, tmp_path / "runs", code="two", steps=3)
    assert len(calls.asked) == 20


def test_other_inputs_make_other_runs(files, tmp_path, calls):
    grid(files, tmp_path / "runs")
    save_images(colours(size=32, per_class=24), files[0])
    grid(files, tmp_path / "runs")
    assert len(calls.asked) == 12


def test_a_killed_grid_goes_on_where_it_stopped(files, tmp_path, calls, monkeypatch):
    pretend = module.finetune

    def killed(*arguments):
        if len(calls.asked) == 3:
            raise KeyboardInterrupt
        return pretend(*arguments)

    monkeypatch.setattr(module, "finetune", killed)
    with pytest.raises(KeyboardInterrupt):
        grid(files, tmp_path / "runs")
    monkeypatch.setattr(module, "finetune", pretend)
    assert grid(files, tmp_path / "runs") == grid(files, tmp_path / "elsewhere")
    assert len(calls.asked) == 6 + 6


def test_the_grid_trains_for_real_with_the_same_bytes_each_time(files, tmp_path, capsys):
    first, again = (grid(files, tmp_path / name, weight_decays=[1e-4], seeds=1) for name in ("a", "b"))
    assert first == again
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    artefacts = [name for name in names if not name.endswith(".timing.json")]
    assert len(artefacts) == 3
    assert len(names) == 6
    for name in artefacts:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    timing = json.loads((tmp_path / "a" / artefacts[0].replace(".json", ".timing.json")).read_text())
    assert timing["seconds"] > 0
    assert len(capsys.readouterr().err.splitlines()) == 6
