"""The winner's weights are kept: its own package loads them, without pedrank, and they reach the reported accuracy."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from pedrank.catalogue import catalogue
from pedrank.checkpoints.convert import convert
from pedrank.datasets.dataset import load_images
from pedrank.datasets.prepare import prepare_dataset
from pedrank.finetune.all_runs import run_seed
from pedrank.finetune.run import pair
from pedrank.finetune.runs_table import runs_table
from pedrank.networks.build import build
from pedrank.networks.whole import whole_network
from pedrank.report.model_card import kept_sentences, model_card, timm_command
from pedrank.store.artefacts import read_json, write_csv, write_json
from pedrank.user_data.image_cards import images_entry
from pedrank.utils.paths import ROOT

TRAINING = {"steps": 20, "batch_size": 16}
SIZE = 40
NETWORKS = {
    "shuffle": "torchvision/shufflenet_v2_x0_5",
    "tiny": "tiny-resnet",
    "timm": "timm/test_vit.r160_in1k",
}
NEEDS_TIMM = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")


def _photos(folder):
    """Forty photographs of each of three colours, 48 x 40 or 40 x 48 pixels, some of which EXIF turns."""
    from PIL import Image

    random = np.random.default_rng(0)
    for number, name in enumerate(("blue sky", "|red|", "grün")):
        (folder / name).mkdir(parents=True)
        for image in range(40):
            pixels = random.normal(120, 100, (40, 48, 3)) + 40 * (np.arange(3) == number)
            exif = Image.Exif()
            exif[0x0112] = 6 if image % 4 == 0 else 1
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{image}.png", exif=exif)
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Photographs, prepared, and a catalogue with them and with networks of random weights."""
    folder = tmp_path_factory.mktemp("kept")
    _photos(folder / "photos")
    common = {"zoo": "own", "pretrained": False, "normalisation": "imagenet", "image_size": 32, "resize": SIZE}
    entries = {name: common | {"architecture": network} for name, network in NETWORKS.items()}
    own = {"datasets": {"photos": images_entry(folder / "photos")}, "checkpoints": entries}
    (folder / "own.yaml").write_text(yaml.safe_dump(own))
    (folder / "study.yaml").write_text("image_size: 32\n")
    before = os.environ.get("PEDRANK_CATALOGUE")
    os.environ["PEDRANK_CATALOGUE"] = str(folder / "own.yaml")
    catalogue._catalogue.cache_clear()
    prepare_dataset("photos", f"32-of-{SIZE}", folder, folder / f"images-32-of-{SIZE}.safetensors")
    yield folder
    os.environ.pop("PEDRANK_CATALOGUE")
    if before is not None:
        os.environ["PEDRANK_CATALOGUE"] = before
    catalogue._catalogue.cache_clear()


def _kept(folder, name):
    """Fine-tune a network, and let the script keep the weights; its facts and its folder."""
    os.environ["PEDRANK_CATALOGUE"] = str(folder / "own.yaml")  # conftest.py has restored the environment
    images, checkpoint = folder / f"images-32-of-{SIZE}.safetensors", folder / f"{name}.safetensors"
    convert(name, folder, checkpoint)
    record = run_seed(pair(images, checkpoint), folder / f"{name}/test.json", TRAINING, (0.05, 1e-4), seed=0)
    write_csv(folder / f"{name}.csv", runs_table({name: [record]}))
    reached = {"checkpoint": name, "accuracy": record["accuracy"], "sd": None, "seeds": 1}
    write_json(folder / f"{name}.json", {"race": None, "best": name, "fine_tuned": [reached]})
    script = [sys.executable, str(ROOT / "scripts/finetune_run.py"), "--metric", "top-1", "--threads", "1"]
    given = {"images": "images-{crop}.safetensors", "checkpoint": "{finetuned}.safetensors", "study": "study.yaml"}
    given |= {"winner": f"{name}.json", "runs": f"{name}.csv", "out": f"winner-{name}"}
    given |= {"training": json.dumps(TRAINING)}
    words = [word for option, value in given.items() for word in (f"--{option}", value)]
    subprocess.run([*script, *words], cwd=folder, check=True)
    return read_json(folder / f"winner-{name}/kept.json"), folder / f"winner-{name}", record


def _predicted(card, photos, path):
    """Classes by path, as the program in a card prints them; without pedrank, unless `path` is its folder."""
    (program,) = re.findall(r"## Predict.*?```python\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)
    refuse = "" if path else "import sys\nsys.modules['pedrank'] = None\n"
    command = [sys.executable, "-c", refuse + program, str(photos)]
    extra = [str(path)] if path else []
    extra += [word for word in os.environ.get("PYTHONPATH", "").split(os.pathsep) if word and word != str(ROOT)]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=card.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=clean | {"PYTHONPATH": os.pathsep.join(extra), "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t") for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    "name, path",
    [("shuffle", None), ("tiny", ROOT), pytest.param("timm", None, marks=NEEDS_TIMM)],
)
def test_the_program_of_the_card_gives_the_reported_accuracy(prepared, name, path):
    facts, folder, record = _kept(prepared, name)
    assert facts["accuracy"] == facts["recorded"] == record["accuracy"]
    assert facts["accuracy"] > 50  # of three classes, so that wrong weights would show
    assert read_json(folder / "run.json")["weights"] == record["weights"]  # the run has repeated itself
    photos = prepared / "photos"
    predicted = _predicted(folder / "README.md", photos, path)
    dataset = load_images(prepared / f"images-32-of-{SIZE}.safetensors")
    names = bytes(dataset.ids).decode().split("\n")
    tested = [names[row] for row in dataset.rows("test")]
    right = [predicted[str(photos / image)] == image.split("/")[0] for image in tested]
    assert len(predicted) == 120 and len(tested) == 24
    assert 100 * np.mean(right) == pytest.approx(facts["accuracy"])


@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v3_small"])
def test_names_are_those_of_torchvision(name):
    import torchvision

    model = nn.Sequential(network := build(f"torchvision/{name}"), nn.Linear(_width(network), 3)).eval()
    found = whole_network(f"torchvision/{name}", model, 64)
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    own = torchvision.models.get_model(name, num_classes=3, **options).eval()
    own.load_state_dict(found.weights)  # strict: all names and shapes
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(own(images), model(images), rtol=1e-3, atol=1e-4)
    assert found.statement == "import torchvision"


def _width(network):
    with torch.inference_mode():
        return network.eval()(torch.zeros(2, 3, 64, 64)).shape[1]


def test_a_network_with_other_padding_is_not_called_torchvisions():
    """The names are the same, and the outputs are not."""
    model = nn.Sequential(build("resnet50-same"), nn.Linear(2048, 3)).eval()
    found = whole_network("resnet50-same", model, 32)
    assert found.expression == "torch.nn.Sequential(build('resnet50-same'), torch.nn.Linear(2048, 3))"
    assert found.weights.keys() == model.state_dict().keys()


FACTS = {
    "checkpoint": "mine",
    "dataset": "photos",
    "architecture": "timm/resnet50.a1_in1k",
    "licence": None,
    "data_licence": "not stated",
    "classes": ["a|b", "<script>", "two\nlines"],
    "several_labels": False,
    "metric": "top-1",
    "accuracy": 90.0,
    "recorded": 90.0,
    "mean": 91.0,
    "sd": 0.5,
    "seeds": 3,
    "seed": 0,
    "options": {
        "learning_rate": 0.01,
        "weight_decay": 0.0001,
        "steps": 500,
        "batch_size": 64,
        "regime": "full",
        "augmentation": "none",
    },
    "train_images": 1000,
    "crop": {"size": 224, "resize": 256, "interpolation": "bicubic"},
    "upright": True,
    "rescaled": False,
    "normalisation": {"mean": [0.5, 0.5, 0.5], "std": [0.1, 0.2, 0.3]},
    "pedrank": "1",
    "statement": "import timm",
    "expression": "timm.create_model('resnet50.a1_in1k', num_classes=3)",
}


def test_timms_command_has_the_settings_that_were_found():
    words = timm_command(FACTS).replace("\\\n", " ").split()
    options = dict(zip(words, words[1:], strict=False))
    assert (options["--model"], options["--lr"], options["--num-classes"]) == ("resnet50.a1_in1k", "0.01", "3")
    assert (options["--img-size"], options["--crop-pct"]) == ("224", "0.875")
    assert words[words.index("--std") + 1 :][:3] == ["0.1", "0.2", "0.3"]
    assert options["--epochs"] == "32"  # 500 steps of 64 images, with 1,000 images
    assert "--no-aug" in words
    assert "--model MODEL" in timm_command(FACTS | {"architecture": "torchvision/resnet18"})


def test_names_of_classes_stay_on_their_line():
    assert "0. a|b\n1. &lt;script>\n2. two lines\n" in model_card(FACTS)


def test_every_program_in_a_card_is_python():
    for changed in ({}, {"several_labels": True}, {"upright": False}):
        card = model_card(FACTS | changed)
        for program in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
            compile(program, "card", "exec")
        assert ("```sh" in card) is not changed.get("several_labels", False)


def test_another_accuracy_is_said():
    (_, again) = kept_sentences(FACTS | {"accuracy": 89.0})
    assert "first run with this seed reached 90.00%, the kept weights 89.00%" in again


def test_the_first_run_that_did_not_diverge_is_kept():
    from pedrank.finetune.kept import first_test
    from pedrank.utils.errors import InputError

    runs = {
        "checkpoint": ["a", "b", "b", "b"],
        "stage": ["test", "validation", "test", "test"],
        "seed": [0, 0, 0, 1],
        "diverged": [False, False, True, False],
    }
    assert first_test(pd.DataFrame(runs), "b")["seed"] == 1
    with pytest.raises(InputError, match="all runs of b diverged"):
        first_test(pd.DataFrame(runs)[:3], "b")
