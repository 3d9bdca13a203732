"""`pedrank rank` from end to end: images, fine-tuning and PED; features alone; and what is not done twice."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pedrank import ReferenceStatistics, refine, score
from pedrank.datasets.dataset import load_images
from pedrank.store.artefacts import read_arrays, read_json
from pedrank.user_data.slug import slug
from pedrank.utils.paths import ROOT


def rank(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pedrank", "rank", "--cores", "2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=_environment())


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """Two tiny checkpoints ranked after PED on a few images, both of them fine-tuned for a moment."""
    folder = tmp_path_factory.mktemp("ranked")
    export = [sys.executable, str(ROOT / "scripts/export_images.py"), "--dataset", "digits", "--limit", "20"]
    subprocess.run([*export, "--out", "photos"], cwd=folder, check=True, env=_environment())
    arguments = ["--images", "photos", "--checkpoints", "byol-tiny", "moco-tiny", "--metric", "logme", "knn"]
    arguments += ["--refine", "0.6", "--finetune", "top1", "--steps", "2", "--json"]
    done = rank(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return folder, arguments, json.loads(done.stdout)


def test_the_answer_is_that_of_the_files(ranked):
    folder, _, answer = ranked
    results = folder / "pedrank-results/results/photos"
    assert [row["rank"] for row in answer["checkpoints"]] == [1, 2]
    assert (answer["images"], answer["classes"], answer["metric"], answer["refinement"]) == (
        160,
        10,
        "logme",
        "ped-0.6",
    )
    assert answer["others"] == ["knn"]
    made = read_json(results / "ranking/photos.json")
    assert made["checkpoints"] == answer["checkpoints"]
    report = (results / "report.html").read_text()
    assert all(name in report for name in ("byol-tiny", "moco-tiny", "A stable ranking can still be wrong"))


def test_its_scores_are_the_python_calls(ranked):
    folder, _, answer = ranked
    results = folder / "pedrank-results/results/photos"
    for row in answer["checkpoints"]:
        name = row["checkpoint"]
        arrays = read_arrays(results / f"features/photos/{name}.safetensors")
        reference = ReferenceStatistics(**read_arrays(results / f"reference/{name}.safetensors", "mean", "std"))
        features, labels = np.asarray(arrays["features"]), np.asarray(arrays["labels"])
        refinement = refine(features, labels, reference, lam=0.6)
        assert row["score"] == pytest.approx(score("logme", features, labels, refinement=refinement), rel=1e-12)


def test_the_first_alone_was_fine_tuned(ranked):
    folder, _, answer = ranked
    confirmation = answer["confirmation"]
    first = answer["checkpoints"][0]["checkpoint"]
    assert [entry["checkpoint"] for entry in confirmation["fine_tuned"]] == [first]
    assert (confirmation["runs"], confirmation["all_runs"], confirmation["saved"]) == (5, 10, 0.5)
    runs = folder / "pedrank-results/results/photos/finetune/photos"
    assert [path.name for path in runs.iterdir() if path.is_dir()] == [first]


def test_the_weights_of_the_first_are_kept(ranked):
    """Where Snakemake makes them; tests/test_kept.py loads such weights."""
    folder, _, answer = ranked
    kept, winner = answer["kept"], folder / "pedrank-results/results/photos/winner/photos"
    assert (folder / kept["weights"]) == winner / "model.safetensors"
    assert kept["checkpoint"] == answer["checkpoints"][0]["checkpoint"]
    tested = read_json(folder / f"pedrank-results/results/photos/finetune/photos/{kept['checkpoint']}/test-seed0.json")
    assert (kept["accuracy"], read_json(winner / "run.json")["weights"]) == (tested["accuracy"], tested["weights"])
    assert len(read_arrays(winner / "model.safetensors")["1.bias"]) == 10
    assert "## Predict" in (winner / "README.md").read_text(encoding="utf-8")
    report = (folder / "pedrank-results/results/photos/report.html").read_text(encoding="utf-8")
    assert "train.py --data-dir" in report and "The kept weights are those of" in report


def test_the_same_command_again_makes_nothing_and_answers_the_same(ranked):
    folder, arguments, answer = ranked
    done = rank(folder, *arguments)
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again.pop("seconds") != answer["seconds"]
    assert again == {name: value for name, value in answer.items() if name != "seconds"}
    assert "Nothing to be done" in (folder / "pedrank-results/pedrank.log").read_text()


def test_the_answer_and_the_report_say_how_the_folders_were_read(tmp_path):
    random = np.random.default_rng(0)
    for split, number in {"train2017": 8, "val2017": 4}.items():
        for shift, name in enumerate(("cat", "dog", "eel")):
            folder = tmp_path / "x" / split / name
            folder.mkdir(parents=True)
            for image in range(number):
                pixels = random.normal(60 + 60 * shift, 30, (16, 16, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{image}.png")
    for number in range(3):
        (tmp_path / f"x/train2017/cat/{number}.HEIC").write_bytes(b"no image")
    (tmp_path / "x/weights.safetensors").write_bytes(b"no features")
    (tmp_path / "x/train2017/cat/loop").symlink_to("../..")
    done = rank(tmp_path, "--images", "x", "--checkpoints", "byol-tiny", "moco-tiny", "--metric", "logme", "knn")
    assert done.returncode == 0, done.stderr
    notes = (
        "Read as splits: train2017 (train), val2017 (test).",
        "Left out: 3 .heic files, 1 .safetensors file, 1 link to a folder that is read already.",
    )
    report = (tmp_path / "pedrank-results/results/x/report.html").read_text(encoding="utf-8")
    assert "x: checkpoints are scored on 24 images of 3 classes\n" in done.stdout
    assert all(f"Note: {note}\n" in done.stdout for note in notes)
    assert all(f"x: {note}" in report for note in notes)


def test_features_alone_are_ranked_without_images(tmp_path):
    random = np.random.default_rng(0)
    labels = np.array(["cat", "dog", "eel"])[np.arange(90) % 3]
    (tmp_path / "features").mkdir()
    spread = {"far": 3.0, "near": 0.3}
    arrays = {}
    for name, distance in spread.items():
        centres = distance * random.normal(size=(3, 6 if name == "far" else 9))
        arrays[name] = (centres[np.arange(90) % 3] + random.normal(size=(90, centres.shape[1]))).astype(np.float32)
        np.savez(tmp_path / f"features/{name}.npz", features=arrays[name], labels=labels)
    done = rank(tmp_path, "--images", "features", "--metric", "logme", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [row["checkpoint"] for row in answer["checkpoints"]] == ["far", "near"]
    for row in answer["checkpoints"]:
        assert row["score"] == pytest.approx(score("logme", arrays[row["checkpoint"]], np.arange(90) % 3), rel=1e-12)
    # A stable and backed order is no evidence of accuracy: no basis is confirmed on hubs left out today.
    assert answer["recommendation"]["sure"] in ("likely", "open") and answer["recommendation"]["mean_tau_w"] is None


def test_prior_and_features_rank_together_and_the_same_features_count_once(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    (tmp_path / "features").mkdir()
    for name, distance in {"far": 3.0, "near": 0.3, "middle": 1.0}.items():
        features = distance * np.eye(3)[labels] + random.normal(size=(90, 3))
        np.savez(tmp_path / f"features/{name}.npz", features=features, labels=labels)
    (tmp_path / "features/z-copy.npz").write_bytes((tmp_path / "features/far.npz").read_bytes())
    done = rank(tmp_path, "--images", "features")
    assert done.returncode == 0, done.stderr
    found = read_json(tmp_path / "pedrank-results/results/features/ranking/features.json")
    assert [row["checkpoint"] for row in found["checkpoints"]] == ["far", "z-copy", "middle", "near"]
    assert (found["by"], found["metric"], found["others"]) == ("combination", "logme", ["sfda", "gbc", "knn"])
    assert "Fine-tune far.\n" in done.stdout and "z-copy (= far)" in done.stdout
    assert "Note: z-copy has the same features as far, so it gets the same rank and counts once.\n" in done.stdout
    assert "is known for any of the 3 checkpoints" in done.stdout
    report = (tmp_path / "pedrank-results/results/features/report.html").read_text(encoding="utf-8")
    assert "z-copy (same features as far)" in report and "prior and features together" in report


def test_images_of_several_classes_and_names_of_any_letters(tmp_path):
    """An image of two classes is one image; folders, classes and results may be called anything."""
    folder = tmp_path / "照片 {a} \"b\" 'c' 100%"
    (folder / "-图").mkdir(parents=True)
    random = np.random.default_rng(0)
    lines = ["path;label"]
    for number in range(24):
        name = f"-图/é {number}.png"
        pixels = random.integers(0, 100, (32, 32, 3)) + 100 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
        lines.append(f"{name};{'🐱|--犬' if number < 4 else ('🐱', '--犬')[number % 2]}")
    (folder / "清单.csv").write_text("\n".join(lines), encoding="utf-8")
    arguments = [
        "--images",
        "清单.csv",
        "--checkpoints",
        "byol-tiny",
        "moco-tiny",
        "--metric",
        "logme",
        "--out",
        "结果 $x",
    ]
    done = rank(folder, *arguments)
    assert done.returncode == 0, done.stderr
    name = slug("清单")
    assert f"note: '清单.csv' is called {name} in the results" in done.stderr
    found = read_json(folder / f"结果 $x/results/{name}/ranking/{name}.json")
    prepared = load_images(next((folder / "结果 $x/results/data").glob("*/images-*.safetensors")))
    scored = prepared.rows("train", "validation")
    pairs = int((prepared.targets[scored] == 1).sum())
    assert (found["images"], found["rows"], found["classes"]) == (len(scored), pairs, 2) and pairs > len(scored)
    assert f"scored on {len(scored)} images of 2 classes; an image of several classes counts once" in done.stdout
    assert prepared.class_names == ("--犬", "🐱")


def test_feature_files_whose_names_mean_something_to_a_shell(tmp_path):
    """Nothing in a name is a command, an option or a wildcard."""
    folder = tmp_path / "-x%y $(touch made)\ntouch made; '特征"
    folder.mkdir()
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    for name, distance in (("模型;1", 3), ("型号 1", 0.3)):
        features = distance * np.eye(3)[labels] + random.normal(size=(60, 3))
        np.savez(folder / f"{name}.npz", features=features, labels=np.array(["猫", "-犬", "🐟"])[labels])
    done = rank(tmp_path, f"--images={folder.name}", "--metric", "logme", "--out=-o {x}%s", "--json")
    assert done.returncode == 0, done.stderr
    assert [row["checkpoint"] for row in json.loads(done.stdout)["checkpoints"]] == [slug("模型;1"), slug("型号 1")]
    assert not list(tmp_path.rglob("made"))
    folder.rename(tmp_path / "{a}")
    done = rank(tmp_path, "--images={a}", "--metric", "logme")
    assert done.returncode == 1 and "are wildcards of Snakemake; give a link without them" in done.stderr
