"""A whole study on a user's own images, features and checkpoints, by Snakemake."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from workflow import copy_repository, planned, snakemake

from pedrank import ReferenceStatistics, refine, score
from pedrank.catalogue.catalogue import _catalogue
from pedrank.datasets.dataset import fingerprint
from pedrank.store.artefacts import read_arrays, read_json, read_metadata
from pedrank.study.config import check_names
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT

pytestmark = pytest.mark.slow
CODE = """
import torch

class Means(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(12, 6)

    def forward(self, images):
        return self.layer(torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1))

def means():
    return Means()
"""
CATALOGUE = {
    "datasets": {
        "photos": {"images": "photos"},
        "ready": {"features": "ready"},
        "plain": {"images": "reference", "metric": "none"},
    },
    "checkpoints": {
        "mine": {"zoo": "own", "architecture": "tiny-resnet", "weights": "mine.safetensors", "image_size": 16},
        "code": {"zoo": "own", "architecture": "code.py:means", "normalisation": "none"},
        **{name: {"zoo": "features"} for name in ("one", "two")},
    },
}


def study(**changes):
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(
        (ROOT / "studies/example.yaml").read_text()
    )
    own = {"study": "own", "catalogue": "own/catalogue.yaml", "datasets": ["photos"], "reference": {"source": "self"}}
    own |= {"checkpoints": ["mine", "code"], "metrics": ["logme"], "image_size": 24, "together": True}
    config |= own | changes
    figures = config["datasets"][:1]
    config["ablation"] = config["ablation"] | {"datasets": figures, "metric": "logme", "lam": 0.3}
    shown = {"dataset": figures[0], "checkpoint": config["checkpoints"][0], "refinement": "ped-0.3"}
    config["figures"] = {"tsne": shown, "ranks": {"metric": "logme", "refinement": "ped-0.3", "datasets": figures}}
    return config


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of the repository with images of three colours, a file of weights, a function, and features."""
    root = copy_repository(tmp_path_factory.mktemp("own"))
    folder, random = root / "own", np.random.default_rng(0)
    for label, name in enumerate(("red", "green", "blue")):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(0, 120, (20 + number, 30, 3), dtype=np.uint8)
            pixels[..., label] += 100
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.png")
    (folder / "reference").mkdir()
    for number in range(8):
        Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(folder / f"reference/{number}.png")
    shutil.copy(PACKAGE / "checkpoints/tiny/moco-tiny.safetensors", folder / "mine.safetensors")
    (folder / "code.py").write_text(CODE)
    (folder / "ready").mkdir()
    for name, width in (("one", 4), ("two", 9)):
        labels = np.arange(30) % 3
        np.savez(
            folder / "ready" / f"{name}.npz", features=random.normal(size=(30, width)) + labels[:, None], labels=labels
        )
    (folder / "catalogue.yaml").write_text(yaml.safe_dump(CATALOGUE))
    return root


def run(root, target, *arguments, **changes):
    (root / "own/study.yaml").write_text(yaml.safe_dump(study(**changes)))
    options = ["--cores", "2", "--workflow-profile", "quickstart", "--configfile", "own/study.yaml", *arguments]
    return snakemake(root, target, *options)


def test_own_images_and_checkpoints_of_several_sizes_and_widths(root):
    target = "results/own/scores/photos.csv"
    done = run(root, target)
    assert done.returncode == 0, done.stdout
    scores = pd.read_csv(root / target, keep_default_na=False)
    assert len(scores) == 2 * 2 and np.isfinite(scores["score"].astype(float)).all()
    widths, sides = {}, {}
    for name in ("mine", "code"):
        path = root / f"results/own/features/photos/{name}.safetensors"
        widths[name] = read_arrays(path)["features"].shape
        sides[name] = read_metadata(path)["images"]["options"]["size"]
    assert widths == {"mine": (24, 80), "code": (24, 6)}  # of 30, the test images are not scored
    assert sides == {"mine": 16, "code": 24}
    reference = read_metadata(root / "results/own/reference/photos/code.safetensors")
    assert "photos itself, in the place of reference images" in reference["options"]["images"]

    code, new = root / "own/code.py", root / "own/photos/red/new.png"
    code.write_text(CODE.replace("(12, 6)", "(12, 5)"))
    jobs = planned(run(root, target, "-n").stdout)
    assert (jobs["prepare"], jobs["checkpoint"], jobs["features"]) == (0, 1, 1)
    code.write_text(CODE)
    shutil.copy(root / "own/photos/red/0.png", new)
    jobs = planned(run(root, target, "-n").stdout)
    assert (jobs["prepare"], jobs["checkpoint"]) == (2, 0)
    new.unlink()
    assert "Nothing to be done" in run(root, target, "-n").stdout


def test_a_folder_of_reference_images_rescales(root):
    target = "results/own/reference/code.safetensors"
    done = run(root, target, reference={"source": "plain"})
    assert done.returncode == 0, done.stdout
    found = read_metadata(root / target)
    assert (found["options"]["images"], found["options"]["n"]) == ("plain", 8)


def test_each_checkpoint_is_fine_tuned_on_the_images_that_it_sees(root):
    finetune = study()["finetune"] | {"learning_rates": [0.01], "seeds": 1, "steps": 2, "batch_size": 4}
    target = "results/own/finetune/photos/mine/chosen.json"
    done = run(root, target, finetune=finetune)
    assert done.returncode == 0, done.stdout
    (record,) = [read_json(path) for path in (root / target).parent.glob("validation-*[0-9].json")]
    assert record["images"] == fingerprint(root / "results/data/photos/images-16.safetensors")


def test_features_alone_give_the_scores_of_the_python_call(root):
    changes = {"study": "ready", "datasets": ["ready"], "checkpoints": ["one", "two"]}
    changes["ground_truth"] = {"source": "file", "file": "own/accuracies.csv"}
    refused = run(root, "all", "-n", **changes)
    assert refused.returncode == 1 and "ground_truth.file: no such file 'own/accuracies.csv'; " in refused.stdout
    (root / "own/accuracies.csv").write_text("dataset,checkpoint,accuracy\nready,one,60\nready,two,70\n")
    done = run(root, "results/ready/scores/ready.csv", **changes)
    assert done.returncode == 0, done.stdout
    scores = pd.read_csv(root / "results/ready/scores/ready.csv", keep_default_na=False)
    scores = scores.set_index(["checkpoint", "refinement"])["score"]
    for name in ("one", "two"):
        with np.load(root / f"own/ready/{name}.npz") as content:
            z, y = content["features"].astype(np.float32), content["labels"]
        moved = refine(z, y, ReferenceStatistics.from_features(z), lam=0.3)
        assert float(scores[name, "none"]) == pytest.approx(score("logme", z, y), rel=1e-9)
        assert float(scores[name, "ped-0.3"]) == pytest.approx(score("logme", z, y, refinement=moved), rel=1e-6)
    jobs = planned(run(root, "all", "-n", **changes).stdout)
    assert jobs["figure6"] == jobs["page"] == 1 and jobs["prepare"] == jobs["checkpoint"] == 0


def _checked(root, config):
    os.environ["PEDRANK_CATALOGUE"] = str(root / "own/catalogue.yaml")  # until the test ends: conftest.py
    try:
        check_names(config | {"baselines": [], "metric_options": {}}, ["logme"])
    finally:
        _catalogue.cache_clear()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"reference": {"source": "shipped"}}, "no statistics are shipped with 'mine'"),
        ({"reference": {"source": "plane"}}, "unknown reference dataset 'plane'; did you mean 'plain'"),
        ({"checkpoints": ["byol-tiny", "one"]}, "'one' has features and no weights, but dataset 'photos' has images"),
        ({"datasets": ["ready"], "checkpoints": ["one", "two"]}, "dataset 'ready' has features and no images"),
        (
            {"datasets": ["ready"], "checkpoints": ["one", "two"], "reference": {"source": "plain"}},
            "reference: checkpoint 'one' has features and no weights; set source: self or folder",
        ),
        ({"reference": {"source": "ready"}}, "reference: dataset 'ready' has features and no images"),
    ],
)
def test_what_cannot_be_is_one_line(root, changes, message):
    with pytest.raises(InputError, match=message):
        _checked(root, study(**changes))
