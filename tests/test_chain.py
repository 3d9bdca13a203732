"""The paper's study from download to features, of all its checkpoints and datasets, from a mirror on loopback.

The rules are the shipped ones. What is served is small: a few images of each dataset in the original's format, and
checkpoints of the right shapes with random weights; `tests/mirror/` makes them.
"""

import shutil

import numpy as np
import pytest
import yaml
from mirror import checkpoints as made
from mirror.build import build, weights
from mirror.server import serve
from workflow import copy_repository, planned, snakemake

from pedrank.checkpoints.normalisations import NORMALISATIONS
from pedrank.datasets.dataset import load_images
from pedrank.datasets.scored_rows import scored_rows
from pedrank.features.extraction import extract
from pedrank.store.artefacts import read_arrays, read_metadata
from pedrank.utils.paths import ROOT

pytestmark = pytest.mark.slow

PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())
DATASETS, CHECKPOINTS = [*PAPER["datasets"], "sun397"], PAPER["checkpoints"]
BY_HAND = ["cars_train.tgz", "cars_test.tgz", "cars_test_annos_withlabels.mat", "ILSVRC2012_img_val.tar"]
STUDY = {
    "study": "mirror",
    "datasets": DATASETS,
    "image_size": 16,
    "catalogue": "standins/catalogue.yaml",
    "together": True,
    "features": {"mode": "as_released", "splits": ["train", "validation", "test"], "batch_size": 64},
}


def run(root, *arguments):
    targets = [f"results/mirror/features/{dataset}/{name}.safetensors" for dataset in DATASETS for name in CHECKPOINTS]
    targets += [f"results/mirror/reference/{name}.safetensors" for name in CHECKPOINTS]
    # Two jobs side by side; to hash gigabytes of random weights for each job that reads them would take longest.
    lean = ["--max-checksum-file-size", "1MB", "--set-threads", "prepare=1", "features=1", "reference=1"]
    return snakemake(root, *targets, "--cores", "2", "--configfile", "mirror.yaml", *lean, *arguments)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = copy_repository(tmp_path_factory.mktemp("mirror") / "pedrank")
    addresses = build(root / "standins", CHECKPOINTS)
    (root / "results/downloads").mkdir(parents=True)
    with serve() as mirror:
        mirror.files = addresses
        (root / "mirror.yaml").write_text(yaml.safe_dump(STUDY | {"mirror": mirror.address}))
        mirror.faults = {
            next(url for url in addresses if "moco_v1" in url): ["drop", "drop"],
            next(url for url in addresses if "brainchip" in url): [404],
        }
        without = run(root)
        for file in BY_HAND:
            shutil.copy(root / "standins" / file, root / "results/downloads")
        done = run(root)
        assert done.returncode == 0, done.stdout
        yield root, without, mirror


def test_what_has_to_be_done_by_hand_is_said_and_the_rest_is_done(finished):
    root, without, _ = finished
    assert without.returncode == 1
    for file in BY_HAND:
        (line,) = {line.strip() for line in without.stdout.splitlines() if line.strip().startswith(f"error: {file}")}
        assert f"put it at results/downloads/{file}" in line
    assert "Traceback" not in without.stdout


def test_every_pair_has_features_whose_labels_agree_across_checkpoints(finished):
    root, *_ = finished
    for dataset in DATASETS:
        rows, labels = scored_rows(
            load_images(root / f"results/data/{dataset}/images-16.safetensors"), "as_released", []
        )
        for name in CHECKPOINTS:
            arrays = read_arrays(root / f"results/mirror/features/{dataset}/{name}.safetensors")
            np.testing.assert_array_equal(arrays["labels"], labels)
            assert arrays["features"].shape == (len(rows), 2048) and arrays["features"].dtype == np.float32
            statistics = read_arrays(root / f"results/mirror/features/{dataset}/{name}.statistics.safetensors")
            assert statistics["counts"].tolist() == np.bincount(labels).tolist()
    assert [path for path in (root / "results").rglob(".tmp-*")] == []


@pytest.mark.parametrize("name", ["byol", "simclr-v1", "simclr-v2", "infomin", "sela-v2"])
def test_features_are_those_of_the_same_weights_loaded_natively(finished, name):
    root, *_ = finished
    network = made.backbone(0)
    network.load_state_dict(weights(network.state_dict(), CHECKPOINTS.index(name)))
    images = np.array(load_images(root / "results/data/dtd/images-16.safetensors").images)
    expected = extract(network, images, NORMALISATIONS["imagenet"], 64)
    features = read_arrays(root / f"results/mirror/features/dtd/{name}.safetensors")["features"]
    np.testing.assert_array_equal(features, expected)


def test_reference_statistics_are_of_the_reference_images(finished):
    root, *_ = finished
    metadata = read_metadata(root / "results/mirror/reference/byol.safetensors")
    assert metadata["options"]["images"] == "imagenet-val" and metadata["options"]["n"] == 12
    assert list(metadata["images"]["inputs"]) == ["ILSVRC2012_img_val.tar"]


def test_faults_of_the_server_do_not_show(finished):
    root, _, mirror = finished
    (moco,) = (url for url in mirror.files if "moco_v1" in url)
    assert mirror.requests[moco] == 3
    assert mirror.sent[moco] < 1.01 * (root / "results/downloads/moco_v1_200ep_pretrain.pth.tar").stat().st_size
    assert mirror.requests["https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"] == 1
    assert max(count for url, count in mirror.requests.items() if url != moco) == 1  # nothing twice, over two runs


def test_nothing_is_left_to_do(finished):
    root, *_ = finished
    assert "Nothing to be done" in run(root).stdout


def test_another_address_or_description_reruns_nothing(finished, tmp_path):
    root, *_ = finished
    copy = tmp_path / "catalogue.yaml"
    content = yaml.safe_load((root / "standins/catalogue.yaml").read_text())
    content["checkpoints"]["swav"]["files"]["swav_800ep_pretrain.pth.tar"]["urls"] = ["https://elsewhere.org/swav.pth"]
    content["datasets"]["dtd"]["title"] = "Textures"
    copy.write_text(yaml.safe_dump(content))
    plan = run(root, "-n", "--config", f"catalogue={copy}", "mirror=http://127.0.0.1:9")
    assert planned(plan.stdout) == {}, plan.stdout


def test_the_papers_study_is_planned_with_its_resources(tmp_path):
    plan = snakemake(copy_repository(tmp_path / "pedrank"), "--cores", "8", "-n")
    assert planned(plan.stdout).items() >= {"download": 32, "checkpoint": 12, "reference": 12, "features": 120}.items()
    needs = {}
    for job in plan.stdout.split("\nrule ")[1:]:
        resources = [
            line.split(":", 1)[1].split(", ") for line in job.splitlines() if line.startswith("    resources:")
        ]
        needs.setdefault(job.split(":", 1)[0], {tuple(part.strip().split("=")) for part in resources[0]})
    assert needs["features"] >= {("gpu", "1"), ("mem_mb", "8300")} <= needs["reference"]
    assert ("mem_mb", "4300") in needs["prepare"] and ("mem_mb", "6300") in needs["checkpoint"]
