"""The words after --checkpoints, in the spellings that people try, and the options for files of weights."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from pedrank.catalogue import catalogue
from pedrank.cli import rank as command
from pedrank.cli.rank_study import collect
from pedrank.store.artefacts import read_arrays
from pedrank.user_data.checkpoint_names import checkpoint_entries, checkpoint_entry
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with images of two classes; files of weights that only look like such where names alone matter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEDRANK_CATALOGUE", "")
    for shade, name in enumerate("ab"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 90, (32, 32, 3)) + 120 * shade
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"photos/{name}/{number}.png")
    yield tmp_path
    catalogue._catalogue.cache_clear()


def weights(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"\x80")


@pytest.mark.parametrize(
    "word, architecture",
    [
        ("mine.pth=resnet18", "torchvision/resnet18"),
        ("mine.pth=ResNet18", "torchvision/resnet18"),
        ("mine.pth=torchvision/resnet18", "torchvision/resnet18"),
        ("mine.pth=torchvision:resnet18", "torchvision/resnet18"),
        ("mine.pth=torchvision/ResNet18", "torchvision/resnet18"),
        ("mine.pth=resnet50", "resnet50"),
        ("mine.pth=ResNet50", "resnet50"),
        ("mine.pth=vit_b_16", "torchvision/vit_b_16"),
        ("mine.pth=hub:owner/repo:net", "hub/owner/repo:net"),
    ],
)
def test_spellings_of_architectures(word, architecture, monkeypatch):
    monkeypatch.setattr("pedrank.networks.build.preprocessing", lambda *_: {})
    weights("mine.pth")
    assert checkpoint_entry(word)[1]["architecture"] == architecture


@pytest.mark.parametrize("word", ["timm/resnet34", "timm:resnet34", "timm/ResNet34"])
def test_spellings_of_timms_architectures(word, monkeypatch):
    """Without timm, since only the spelling is looked at here."""
    monkeypatch.setattr("pedrank.networks.build.preprocessing", lambda *_: {})
    weights("mine.pth")
    assert checkpoint_entry(f"mine.pth={word}")[1]["architecture"] == "timm/resnet34"
    name, entry = checkpoint_entry(word)
    assert (name, entry["architecture"], entry["pretrained"]) == ("timm-resnet34", "timm/resnet34", True)


@pytest.mark.parametrize("word", ["resnet18", "ResNet18", "torchvision/resnet18", "torchvision:resnet18"])
def test_spellings_of_networks_with_weights(word, capsys):
    name, entry = checkpoint_entry(word)
    assert (name, entry["architecture"], entry["pretrained"]) == ("torchvision-resnet18", "torchvision/resnet18", True)
    assert ("is read as torchvision:resnet18" in capsys.readouterr().err) == (word.lower() == "resnet18")


@pytest.mark.parametrize(
    "word, message",
    [
        ("mine.pth=resnet_18", "mine.pth: unknown architecture 'resnet_18'; did you mean 'torchvision/resnet18'?"),
        ("mine.pth=resnet-50", "unknown architecture 'resnet-50'; did you mean 'torchvision/resnet50'?"),
        ("mine.pth=resnt18", "did you mean 'torchvision/resnet18'?"),
        ("resnet_18", "unknown checkpoint 'resnet_18'; did you mean 'torchvision:resnet18'?"),
        ("hf-hub:timm/resnet50.a1_in1k", "from this address; write timm:resnet50.a1_in1k"),
        ("hf_hub:facebook/dino-vits16", "from this address; give its file of weights as FILE=ARCHITECTURE"),
        ("https://example.org/a.pth", "from this address; give its file"),
        (
            "mine.pth=hf-hub:timm/resnet18",
            "unknown architecture 'hf-hub:timm/resnet18'; did you mean 'torchvision/",
        ),
        ("mine.pth", "the architecture of these weights is missing; add it, for example mine.pth=resnet50"),
        ("epoch=12-step=3400.ckpt", "missing; add it, for example epoch=12-step=3400.ckpt=resnet50"),
        ("none.pth=resnet18", "none.pth: no such file of weights"),
        ("mine=none.pth=resnet18", "none.pth: no such file of weights"),
        ("folder=resnet18", "folder: a folder; give the file in it, for example folder/model.pth=ARCHITECTURE"),
        ("folder", "folder: a folder; give the file in it"),
        ("tf.ckpt=resnet18", "tf.ckpt: a TensorFlow checkpoint of several files"),
        ("tf.ckpt", "tf.ckpt: a TensorFlow checkpoint of several files"),
        ("new=byol", "a checkpoint of the catalogue keeps its name; write 'byol'"),
    ],
)
def test_other_words_lead_on(word, message):
    weights("mine.pth", "epoch=12-step=3400.ckpt", "folder/model.pth", "tf.ckpt.index")
    with pytest.raises(InputError) as error:
        checkpoint_entry(word)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "word, name, file",
    [
        ("epoch=12-step=3400.ckpt=resnet50", "epoch-12-step-3400", "epoch=12-step=3400.ckpt"),
        ("last=epoch=12-step=3400.ckpt=resnet50", "last", "epoch=12-step=3400.ckpt"),
        ("c.pth.tar=resnet50", "c", "c.pth.tar"),
        ("Mine=c.pth.tar=resnet50", "mine", "c.pth.tar"),
        ("lr=0.1/best.pt=resnet50", "best", "lr=0.1/best.pt"),
        ("byol.pth=resnet50", "own-byol", "byol.pth"),
    ],
)
def test_names_and_files_with_equals_signs(here, word, name, file):
    weights("epoch=12-step=3400.ckpt", "c.pth.tar", "lr=0.1/best.pt", "byol.pth")
    found, entry = checkpoint_entry(word)
    assert (found, entry["weights"], entry["architecture"]) == (name, str(here / file), "resnet50")


def test_a_network_can_get_a_name():
    assert checkpoint_entry("start=torchvision:resnet18@random")[0] == "start"


def test_files_of_one_name_get_different_names():
    weights("runs/a/best.pth", "runs/b/best.pth", "x/run/last.pt", "y/run/last.pt", "one.pth")
    words = ["runs/a/best.pth", "runs/b/best.pth", "x/run/last.pt", "y/run/last.pt", "one.pth"]
    found = checkpoint_entries([f"{word}=resnet50" for word in words])
    assert list(found) == ["a-best", "b-best", "x-run-last", "y-run-last", "one"]
    assert [Path(entry["weights"]).relative_to(Path.cwd()).as_posix() for entry in found.values()] == words


@pytest.mark.parametrize("words", [["a/w.pth"] * 2, ["n=a/w.pth", "n=b/w.pth"], ["a/w.pth", "b-w=a/w.pth", "b/w.pth"]])
def test_one_name_twice_is_refused_with_a_way_out(words):
    weights("a/w.pth", "b/w.pth", "c/w.pth")
    with pytest.raises(InputError, match="occurs twice; leave one out, or give one another name, as in other="):
        checkpoint_entries([f"{word}=resnet50" for word in words])


def arguments(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["--images", "photos", "--out", "out", *words])


def test_options_are_fields_of_the_entries_of_files():
    weights("w.pth")
    words = ["--checkpoints", "w.pth=tiny-resnet", "byol-tiny", "--prefix", "encoder.", "--drop", "head.", "aux."]
    entry = collect(arguments(*words, "--unwrap", "model", "net"))["catalogue"]["checkpoints"]["w"]
    assert (entry["prefix"], entry["drop"], entry["unwrap"]) == ("encoder.", ["head.", "aux."], ["model", "net"])
    with pytest.raises(InputError, match="--prefix: has an effect only on files of weights"):
        collect(arguments("--checkpoints", "byol-tiny", "moco-tiny", "--prefix", "x."))


def test_a_catalogue_of_the_users(here):
    (here / "lists").mkdir()
    weights("lists/w.pth")
    (here / "lists/mine.yaml").write_text(
        "checkpoints: {mine: {zoo: ours, architecture: tiny-resnet, weights: w.pth, prefix: net.}}\n"
        "datasets: {birds: {images: ../photos}}\n"
    )
    study = collect(arguments("--checkpoints", "byol-tiny", "--zoo", "ours", "--catalogue", "lists/mine.yaml"))
    assert study["checkpoints"] == ["mine", "byol-tiny"]
    assert study["catalogue"]["checkpoints"]["mine"]["weights"] == str(here / "lists/w.pth")
    assert study["catalogue"]["checkpoints"]["mine"]["prefix"] == "net."
    given = arguments("--checkpoints", "byol-tiny", "mine", "--catalogue", "lists/mine.yaml")
    given.images = "birds"
    assert collect(given)["datasets"] == ["birds"]
    (here / "lists/mine.yaml").write_text("checkpoints: {mine: {zoo: ours, architecture: resnet18x, weights: w.pth}}\n")
    catalogue._catalogue.cache_clear()
    with pytest.raises(InputError, match="catalogue of checkpoints, mine.architecture: 'resnet18x'"):
        collect(given)


def test_the_answer_names_the_weights_that_were_taken(here):
    """From end to end: averaged weights of two runs with one file name, one of them in bfloat16, and a choice."""
    tiny = {
        name: torch.from_numpy(np.array(array))
        for name, array in read_arrays(PACKAGE / "checkpoints/tiny/byol-tiny.safetensors").items()
    }
    other = {name: value * 0.5 if value.is_floating_point() else value for name, value in tiny.items()}
    for run in "ab":
        Path(f"runs/{run}").mkdir(parents=True)
    torch.save({"epoch": 3, "state_dict": other, "state_dict_ema": tiny}, "runs/a/best.pth")
    save_file({name: value.bfloat16() for name, value in tiny.items() if value.is_floating_point()}, "w.safetensors")
    torch.save({"epoch": 3, "state_dict": tiny, "state_dict_ema": other}, "runs/b/best.pth")
    words = ["runs/a/best.pth=tiny-resnet", "runs/b/best.pth=tiny-resnet", "w.safetensors=tiny-resnet"]
    done = rank(*words)
    assert done.returncode == 0, done.stderr
    said = "the averaged weights (EMA) under 'state_dict_ema' were taken; for the plain ones, add --unwrap state_dict"
    assert f"Note: a-best: {said}" in done.stdout and f"Note: b-best: {said}" in done.stdout
    found = {name: converted(name) for name in ("a-best", "b-best", "w")}
    np.testing.assert_array_equal(found["a-best"], tiny["conv1.weight"])
    np.testing.assert_array_equal(found["b-best"], other["conv1.weight"])
    np.testing.assert_allclose(found["w"], tiny["conv1.weight"], rtol=2**-8)
    done = rank(*words[:2], "--unwrap", "state_dict")
    assert done.returncode == 0 and "EMA" not in done.stdout, done.stderr
    np.testing.assert_array_equal(converted("a-best"), other["conv1.weight"])


def rank(*words):
    call = [sys.executable, "-m", "pedrank", "rank", "--images", "photos", "--cores", "2", "--checkpoints", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(call, capture_output=True, text=True, encoding="utf-8", env=environment)


def converted(name):
    return read_arrays(f"pedrank-results/results/checkpoints/{name}.safetensors")["conv1.weight"]
