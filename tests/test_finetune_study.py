"""The grid, the choice, what is spared, and what a killed study keeps."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from colours import NORMALISATION, colours

import pedrank.finetune.run as module
from pedrank.datasets.dataset import save_images
from pedrank.finetune.all_runs import run_dataset
from pedrank.finetune.grid_search import best, chosen, open_seeds, rounds
from pedrank.finetune.protocol import Options, point_name, protocol
from pedrank.finetune.runs_table import COLUMNS, runs_cost, runs_table
from pedrank.finetune.train import Outcome
from pedrank.finetune.training_images import images_of, load_training_images
from pedrank.networks.build import build
from pedrank.store.artefacts import write_arrays
from pedrank.utils.errors import InputError

CONFIG = {"learning_rates": [0.1, 0.01], "weight_decays": [1e-4, 1e-5], "seeds": 2, "steps": 2, "batch_size": 8}
POINTS = [(0.1, 1e-4), (0.1, 1e-5), (0.01, 1e-4), (0.01, 1e-5)]


def test_the_papers_grid():
    config = CONFIG | {
        "learning_rates": [1e-1, 1e-2, 1e-3, 1e-4],
        "weight_decays": [1e-6, 1e-5, 1e-4, 1e-3],
        "seeds": 5,
    }
    plan = protocol(config)
    assert len(set(plan.points)) == 16
    assert plan.points[:2] == ((0.1, 1e-6), (0.1, 1e-5))
    assert plan.seeds == (0, 1, 2, 3, 4)
    options = Options(*plan.points[0], **plan.training)
    assert (options.regime, options.average_precision, options.difficult) == ("full", "kit", "left_out")
    published = protocol(config | {"average_precision": "curve", "difficult": "absent"})
    assert published.training == plan.training | {"average_precision": "curve", "difficult": "absent"}
    assert len({point_name(point) for point in plan.points}) == 16


def test_the_released_codes_grid_is_one_point_of_a_frozen_network():
    plan = protocol(CONFIG | {"mode": "as_released", "seeds": 1})
    assert plan.points == ((0.1, 0.0),)
    assert plan.seeds == (5,)
    assert plan.training["regime"] == "linear"
    assert plan.training["frozen_batch_norm"] == "batch"
    assert (plan.training["average_precision"], plan.training["difficult"]) == ("curve", "absent")
    whole = protocol(CONFIG | {"mode": "as_released", "first_point_only": False, "include_zero_weight_decay": False})
    np.testing.assert_allclose(whole.points, [(0.1, 1e-3), (0.1, 1e-4), (0.01, 1e-2), (0.01, 1e-3)])


def record(accuracy, diverged=False, point=(0.1, 0.0)):
    return {
        "stage": "validation",
        "accuracy": accuracy,
        "diverged": diverged,
        "seed": 0,
        "options": {"learning_rate": point[0], "weight_decay": point[1], "steps": 2},
    }


def test_the_first_of_the_best_points_is_chosen_and_a_diverged_one_is_lost():
    records = [record(50), record(99, True), record(70, point=(0.2, 0)), record(70)]
    assert best(records, 4) == [records[2], records[3], records[0], records[1]]
    choice = chosen(records)
    assert (choice["learning_rate"], choice["points"], choice["points_diverged"]) == (0.2, 4, 1)
    assert chosen([record(10, True), record(10, True, (0.3, 0))])["diverged"]


def test_rounds_of_successive_halving():
    assert rounds(16, 4, 5000) == [(312, 4), (1250, 1)]
    assert rounds(16, 2, 5000) == [(312, 8), (625, 4), (1250, 2), (2500, 1)]
    assert rounds(5, 3, 30) == [(3, 2), (10, 1)]
    assert rounds(1, 2, 30) == []
    assert all(steps >= 1 for steps, _ in rounds(64, 2, 8))


def test_checkpoints_apart_from_their_neighbours_need_no_further_seed():
    accuracies = {"a": [90.0, 91.0, 90.4], "b": [89.9, 91.1, 90.5], "c": [80.0, 81.0, 80.6], "d": [70.0, 71.1, 70.5]}
    assert open_seeds(accuracies, 3) == ["a", "b"]
    assert open_seeds({name: values[:1] for name, values in accuracies.items()}, 1) == list("abcd")
    assert open_seeds(dict.fromkeys("ab", []), 0) == ["a", "b"]
    # What has been dropped stays so, even where a neighbour's mean comes close again.
    assert open_seeds(accuracies | {"c": [80.0, 81.0], "b": [80.1, 80.9, 80.5]}, 3) == ["b"]


def test_pairs_are_compared_seed_by_seed():
    """The seeds differ by far more than the checkpoints, which a test without pairs would not tell apart."""
    seeds = np.array([60.0, 70.0, 80.0])
    assert open_seeds({"a": list(seeds), "b": list(seeds - [1.0, 1.1, 0.9])}, 3) == []
    assert open_seeds({"a": list(seeds), "b": list(seeds[::-1] - 1)}, 3) == ["a", "b"]


def write_checkpoint(folder, name):
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in build("tiny-resnet").state_dict().items()}
    metadata = {"architecture": "tiny-resnet", "normalisation": NORMALISATION}
    write_arrays(folder / f"{name}.safetensors", weights, metadata)


@pytest.fixture
def inputs(tmp_path):
    """A folder with a dataset file and two checkpoints."""
    save_images(colours(size=32), tmp_path / "images.safetensors")
    for name in ("one", "two"):
        write_checkpoint(tmp_path, name)
    return tmp_path


def study(inputs, folder, code="", names=("one", "two"), **changes):
    pairs = [module.pair(inputs / "images.safetensors", inputs / f"{name}.safetensors", code=code) for name in names]
    return run_dataset(pairs, folder, protocol(CONFIG | changes))


@pytest.fixture
def calls(monkeypatch):
    """Replace training by a table of validation accuracies, and list the runs asked for."""
    asked = []
    accuracies = {POINTS[0]: 50.0, POINTS[1]: 70.0, POINTS[2]: 70.0, POINTS[3]: 60.0}
    diverging = set()

    def pretend(network, normalisation, images, train, test, options, seed, device, kept, run, finished=None):
        point = (options.learning_rate, options.weight_decay)
        asked.append((*point, options.steps, seed, tuple(train), tuple(test)))
        return Outcome(accuracies.get(point, 0.0) + seed, point in diverging, [(0, 1.0)], "", 8, 1.0)

    monkeypatch.setattr(module, "finetune", pretend)
    return SimpleNamespace(asked=asked, diverging=diverging, pretend=pretend)


def test_the_best_point_is_trained_on_both_splits_and_tested(inputs, tmp_path, calls):
    records = study(inputs, tmp_path / "runs", names=["one"])
    validation = [(*point, 2, 0, ("train",), ("validation",)) for point in POINTS]
    assert calls.asked == validation + [(*POINTS[1], 2, seed, ("train", "validation"), ("test",)) for seed in (0, 1)]
    runs = runs_table(records)
    assert list(runs.columns) == COLUMNS
    assert runs["stage"].tolist() == ["validation"] * 4 + ["test"] * 2
    assert runs["accuracy"].tolist() == [50.0, 70.0, 70.0, 60.0, 70.0, 71.0]
    expected = {"runs": 6, "full_runs": 6, "steps": 12, "full_steps": 12, "saved": 0}
    assert runs_cost(runs, protocol(CONFIG)) == expected


def test_a_diverged_grid_point_is_not_chosen(inputs, tmp_path, calls):
    calls.diverging.update({POINTS[1], POINTS[2]})
    runs = runs_table(study(inputs, tmp_path / "runs", names=["one"]))
    assert runs[runs["stage"] == "test"]["learning_rate"].tolist() == [0.01, 0.01]
    assert runs[runs["stage"] == "test"]["weight_decay"].tolist() == [1e-5, 1e-5]


def test_successive_halving_keeps_the_better_half_and_says_what_it_saved(inputs, tmp_path, calls):
    records = study(inputs, tmp_path / "runs", names=["one"], halving=2, steps=8)
    shorter, longer, final = calls.asked[:4], calls.asked[4:6], calls.asked[6:]
    assert [run[:3] for run in shorter] == [(*point, 2) for point in POINTS]
    assert [run[:3] for run in longer] == [(*point, 4) for point in POINTS[1:3]]
    assert [run[:3] for run in final] == [(*POINTS[1], 8)] * 2
    spent = runs_cost(runs_table(records), protocol(CONFIG | {"halving": 2, "steps": 8}))
    assert spent["steps"] == 4 * 2 + 2 * 4 + 2 * 8
    assert spent["saved"] == pytest.approx(1 - 32 / 48)


def test_a_grid_of_one_point_is_validated_once(inputs, tmp_path, calls):
    study(inputs, tmp_path / "runs", names=["one"], halving=2, learning_rates=[0.1], weight_decays=[1e-4])
    assert [run[2] for run in calls.asked] == [2, 2, 2]


def test_early_stopping_spares_the_seeds_of_checkpoints_that_are_told_apart(inputs, tmp_path, calls, monkeypatch):
    def pretend(network, normalisation, images, train, test, options, seed, device, kept, run, finished=None):
        outcome = calls.pretend(network, normalisation, images, train, test, options, seed, device, kept, run)
        better = 10 if kept.parent.name == "one" else 0
        return Outcome(outcome.accuracy + better, False, [], "", 8, 1.0)

    monkeypatch.setattr(module, "finetune", pretend)
    records = study(inputs, tmp_path / "runs", early_stopping=True, seeds=5)
    assert [len(runs) for runs in records.values()] == [4 + 2, 4 + 2]
    assert runs_cost(runs_table(records), protocol(CONFIG | {"seeds": 5}))["runs"] == 12
    assert [len(runs) for runs in study(inputs, tmp_path / "runs", seeds=5).values()] == [4 + 5, 4 + 5]


def test_spared_seeds_are_no_rows():
    runs = runs_table({"one": [record(50), {"stage": "test", "seed": 3, "spared": True}]})
    assert len(runs) == 1


def test_finished_runs_are_kept_and_others_made_again(inputs, tmp_path, calls):
    def again(**changes):
        before = len(calls.asked)
        made = study(inputs, tmp_path / "runs", names=["one"], **{"code": "one"} | changes)
        return len(calls.asked) - before, made

    count, first = again()
    assert count == 6
    assert again() == (0, first)
    (tmp_path / "runs/one/validation-lr0.1-wd0.0001.json").unlink()
    assert again() == (1, first)
    assert again(seeds=3)[0] == 1
    assert again(code="two")[0] == 6
    assert again(code="two", steps=3)[0] == 6
    save_images(colours(size=32, per_class=24), inputs / "images.safetensors")
    assert again(code="two", steps=3)[0] == 6


def test_a_killed_study_goes_on_where_it_stopped(inputs, tmp_path, calls, monkeypatch):
    def killed(*arguments):
        if len(calls.asked) == 7:
            raise KeyboardInterrupt
        return calls.pretend(*arguments)

    monkeypatch.setattr(module, "finetune", killed)
    with pytest.raises(KeyboardInterrupt):
        study(inputs, tmp_path / "runs")
    monkeypatch.setattr(module, "finetune", calls.pretend)
    assert study(inputs, tmp_path / "runs") == study(inputs, tmp_path / "elsewhere")
    assert len(calls.asked) == 12 + 12


def test_a_study_trains_for_real_with_the_same_bytes_each_time(inputs, tmp_path, capsys):
    small = {"names": ["one"], "weight_decays": [1e-4], "seeds": 1, "precision": "auto"}
    assert study(inputs, tmp_path / "a", **small) == study(inputs, tmp_path / "b", **small)
    names = sorted(path.name for path in (tmp_path / "a/one").iterdir())
    artefacts = [name for name in names if not name.endswith(".timing.json")]
    assert artefacts == ["test-seed0.json", "validation-lr0.01-wd0.0001.json", "validation-lr0.1-wd0.0001.json"]
    assert len(names) == 6
    for name in artefacts:
        assert (tmp_path / "a/one" / name).read_bytes() == (tmp_path / "b/one" / name).read_bytes()
    made = json.loads((tmp_path / "a/one" / artefacts[0]).read_text())
    for key in ("accuracy", "curve", "options", "seed", "images", "checkpoint", "weights", "code", "metric"):
        assert key in made
    assert made["options"]["precision"] == "float32"  # what it was computed in, not what was asked for
    timing = json.loads((tmp_path / "a/one" / artefacts[0].replace(".json", ".timing.json")).read_text())
    assert timing["seconds"] > 0 and timing["images_per_second"] > 0
    assert len(capsys.readouterr().err.splitlines()) == 6


def test_a_dataset_without_validation_images_lends_a_fifth_of_the_training_images():
    dataset = colours()
    dataset.split[dataset.split == 1] = 0
    images = images_of(dataset)
    assert [len(images.rows(split)) for split in ("train", "validation", "test")] == [36, 9, 15]
    np.testing.assert_array_equal(np.bincount(images.targets[images.rows("validation")]), [3, 3, 3])
    np.testing.assert_array_equal(images.split, images_of(dataset).split)
    np.testing.assert_array_equal(np.sort(images.rows("train", "validation")), dataset.rows("train"))


def test_crops_come_from_the_same_images(tmp_path):
    save_images(colours(8), tmp_path / "8.safetensors")
    save_images(colours(16), tmp_path / "16.safetensors")
    save_images(colours(16, per_class=24), tmp_path / "other.safetensors")
    assert load_training_images(tmp_path / "8.safetensors", "top-1", tmp_path / "16.safetensors").source.shape[1] == 16
    with pytest.raises(InputError, match="other.safetensors: images differ from those of .*8.safetensors"):
        load_training_images(tmp_path / "8.safetensors", "top-1", tmp_path / "other.safetensors")


def test_several_labels_are_read_from_the_file(tmp_path):
    dataset = colours()
    arrays = {"images": dataset.images, "labels": dataset.labels, "split": dataset.split}
    targets = np.eye(3, dtype=np.int8)[dataset.labels]
    metadata = {"name": "colours", "class_names": ["r", "g", "b"], "source": "", "licence": ""}
    write_arrays(tmp_path / "several.safetensors", arrays | {"targets": targets}, metadata)
    images = load_training_images(tmp_path / "several.safetensors", "11-point mAP")
    np.testing.assert_array_equal(images.targets, targets)
