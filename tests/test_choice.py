"""`pedrank rank` chooses among many checkpoints: zoos of timm, wildcards, limits, presets. No network, no timm."""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pedrank.catalogue.catalogue import catalogue
from pedrank.catalogue.licence import licence_kind
from pedrank.cli import command_line, main
from pedrank.cli.rank_choice import TOP, chosen
from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.choice import Limits, choose
from pedrank.ranking.costs import costs, timm_checkpoints
from pedrank.store.artefacts import read_json
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, PUBLISHED

PRESETS = read_yaml(PACKAGE / "catalogue/presets.yaml")


def choice(*words):
    return chosen(command_line().parse_args(["rank", "--images", "photos", *words]), "photos")


def published():
    """The rows of timm's table, read without pedrank: by model, the row of the smallest image, the highest accuracy."""
    found = {}
    with open(PUBLISHED / "timm-imagenet.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            old = found.get(row["model"], row)
            first = min(old, row, key=lambda each: int(each["img_size"]))
            found[row["model"]] = first | {"best": max(old.get("best", 0.0), float(row["imagenet_top1"]))}
    return found


def test_the_eight_of_ten_million_parameters(capsys):
    """Recomputed from the table: without accuracies elsewhere, the prior's order is that of ImageNet accuracy."""
    names, words, how = choice("--zoo", "timm", "--max-params", "10M", "--top", "8", "--dry-run")
    best = {}
    small = [row for row in published().values() if float(row["params_millions"]) <= 10]
    for row in sorted(small, key=lambda row: -row["best"]):
        best.setdefault(row["model"].split(".")[0], f"timm:{row['model']}")
    assert names == [] and words == list(best.values())[:8]
    left_out = len(published()) - len(small)
    assert how == (
        f"8 of 1,266 checkpoints were chosen: those with the highest prior, at most one of each network. "
        f"Left out: {left_out:,} with more than 10 M parameters, or an unknown number."
    )
    out = capsys.readouterr().out
    assert all(word in out for word in words) and "ImageNet accuracy" in out and "RTX PRO 6000" in out


def test_the_choice_is_a_note_where_the_answer_is_printed(capsys):
    choice("--zoo", "timm", "--top", "3")
    printed = capsys.readouterr()
    assert not printed.out and "3 of 1,266 checkpoints were chosen" in printed.err


def test_speed_and_licence_are_limits():
    entries = timm_checkpoints()
    table = choose(entries, "dtd", Limits(min_images_per_second=20_000, licence="permissive")).table
    assert 5 < len(table) < len(entries)
    assert (table["images_per_second"] >= 20_000).all() and set(table["licence"].map(licence_kind)) == {"permissive"}
    rows = published()
    fast = {f"timm:{model}" for model, row in rows.items() if float(row["images_per_second"]) >= 20_000}
    assert set(table.index) <= fast


def test_unknown_numbers_are_left_out_and_counted():
    given = {"byol": None, "byol-tiny": None, "swav": None}
    found = choose(given, "dtd", Limits(max_params=30, licence="permissive"))
    assert found.table.empty and found.candidates == 3
    assert found.left_out == {
        "more than 30 M parameters, or an unknown number": 1,
        "a licence that is not permissive, or unknown": 2,
    }


def test_of_one_network_the_best_weights_within_the_limits_count():
    """The best weights of this ResNeXt-101 are not for commercial use, so others of the same network are chosen."""
    entries = {name: entry for name, entry in timm_checkpoints().items() if name.startswith("timm:resnext101_32x8d.")}
    any_licence = choose(entries, "photos", Limits(one_per_network=True)).table
    free = choose(entries, "photos", Limits(one_per_network=True, licence="permissive")).table
    assert len(any_licence) == len(free) == 1
    assert licence_kind(any_licence["licence"].iloc[0]) == "non-commercial" and any_licence.index != free.index


@pytest.mark.parametrize("pattern", ["timm:resnet50.*", "timm/resnet50.*"])
def test_wildcards(pattern):
    _, words, how = choice("--checkpoints", pattern, "--top", "4")
    assert len(words) == 4 and all(word.startswith("timm:resnet50.") for word in words)
    assert how.startswith("4 of ") and "network" not in how


def test_wildcards_match_the_catalogue_and_torchvision_too():
    names, words, _ = choice("--checkpoints", "*-tiny", "torchvision:resnet18*", "timm:resnet18", "mine.pth=resnet50")
    assert set(names) == {name for name in catalogue("checkpoints") if name.endswith("-tiny")}
    assert words == ["torchvision:resnet18@IMAGENET1K_V1", "timm:resnet18", "mine.pth=resnet50"]
    assert len(choice("--checkpoints", "timm:resnet*")[1]) == TOP


def test_a_named_checkpoint_is_not_chosen_twice():
    _, words, _ = choice("--checkpoints", "timm:resnet50.*", "timm:resnet50.a1_in1k", "--top", "3")
    assert words[-1] == "timm:resnet50.a1_in1k" and len(set(words)) == 4


def test_limits_of_the_catalogues_zoos():
    names, words, how = choice("--zoo", "ssl", "--licence", "permissive")
    assert (
        names
        and not words
        and {licence_kind(catalogue("checkpoints")[name]["licence"]) for name in names} == {"permissive"}
    )
    assert "with a licence that is not permissive" in how
    assert choice("--zoo", "ssl")[2] is None  # nothing was chosen


@pytest.mark.parametrize(
    "words, message",
    [
        (["--checkpoints", "byol", "swav", "--top", "3"], "--top: has an effect only on --zoo and on wildcards"),
        (["--checkpoints", "timm:rezznet*"], "'timm:rezznet\\*' matches no known checkpoint"),
        (["--zoo", "timm", "--max-params", "0.1M"], "0 of 1,266 checkpoints remain; left out: 1,26"),
        (["--zoo", "tiny", "--max-params", "1M"], "left out: 12 with .*unknown number; relax --max-params"),
        (["--zoo", "midi"], "unknown zoo 'midi'; choose from .*, small, base, large"),
        (["--zoo", "ssl", "--random"], "--random: .* has fixed weights"),
        (["--checkpoints", "mine.pth=resnet50", "--random"], "--random: mine.pth=resnet50 has fixed weights"),
    ],
)
def test_what_is_refused(words, message):
    with pytest.raises(InputError, match=message):
        choice(*words)


@pytest.mark.parametrize("number", ["0", "ten", "10T", "-3M"])
def test_numbers_of_parameters(number, capsys):
    with pytest.raises((SystemExit, argparse.ArgumentTypeError)):
        choice("--zoo", "timm", f"--max-params={number}")
    assert "no number of parameters" in capsys.readouterr().err


def test_random_weights():
    _, words, _ = choice("--zoo", "timm", "--top", "2", "--random")
    assert len(words) == 2 and all(word.endswith("@random") for word in words)
    _, words, _ = choice("--checkpoints", "torchvision:resnet18@IMAGENET1K_V1", "torchvision:resnet34", "--random")
    assert words == ["torchvision:resnet18@random", "torchvision:resnet34@random"]


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_match_in_size(name):
    """As the comment above them says."""
    preset = PRESETS[name]
    _, words, how = choice("--zoo", name)
    assert words == [f"timm:{model}" for model in preset["checkpoints"]] and how is None
    families = {model.split(".")[0].split("_")[0] for model in preset["checkpoints"]}
    assert len(preset["checkpoints"]) == len(families) == 10
    table = costs({word: timm_checkpoints()[word] for word in words})
    for column in ("params_millions", "gmacs"):
        low, high = preset[column]
        assert table[column].between(low, high).all(), table[column]
    assert set(table["licence"].map(licence_kind)) == {"permissive"}
    sizes = {int(published()[model]["img_size"]) for model in preset["checkpoints"]}
    assert min(sizes) >= 196 and max(sizes) <= 256


def test_no_checkpoint_is_in_two_presets():
    models = [model for preset in PRESETS.values() for model in preset["checkpoints"]]
    assert len(models) == len(set(models)) == 30


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            image = Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8))
            image.save(tmp_path / f"photos/{name}/{number}.png")


@pytest.mark.slow
def test_random_weights_run_through_the_chain(photos):
    words = ["--checkpoints", "torchvision:shufflenet_v2_x0*", "torchvision:mobilenet_v3_s*", "--random"]
    assert main(["rank", "--images", "photos", *words, "--cores", "2"]) == 0
    found = read_json("pedrank-results/results/photos/ranking/photos.json")
    ranked = {row["checkpoint"] for row in found["checkpoints"]}
    assert ranked == {"torchvision-shufflenet-v2-x0-5-random", "torchvision-mobilenet-v3-small-random"}
    report = Path("pedrank-results/results/photos/report.html").read_text(encoding="utf-8")
    assert "2 of 2 checkpoints were chosen" in report and "expected accuracy against cost on photos" in report
    assert Path("pedrank-results/results/photos/ranking/photos.front.pdf").stat().st_size > 0


@pytest.mark.slow
def test_timm_runs_through_the_chain(photos):
    pytest.importorskip("timm")
    words = ["--zoo", "timm", "--max-params", "2M", "--top", "2", "--random"]
    assert main(["rank", "--images", "photos", *words, "--cores", "2"]) == 0
    rows = read_json("pedrank-results/results/photos/ranking/photos.json")["checkpoints"]
    assert len(rows) == 2 and all(row["checkpoint"].endswith("-random") for row in rows)


def test_without_timm_the_choice_is_printed_before_the_remedy(photos, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert main(["rank", "--images", "photos", "--zoo", "timm", "--max-params", "10M", "--top", "8", "--dry-run"]) == 1
    said = capsys.readouterr()
    assert said.out.count("timm:") == 8 and said.err.endswith("needs timm; run pip install 'pedrank[zoo]'\n")
