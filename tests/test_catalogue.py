"""The catalogues: every entry follows its schema, and a study's own file adds to them."""

import copy
import os
from pathlib import Path

import pytest
import yaml

from pedrank.catalogue import catalogue
from pedrank.study.fetch_list import fetch_rows, fetch_table, prepared_gigabytes
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())
SCHEMAS = ROOT / "schemas"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write a catalogue of the study's own and name it."""

    def write(content):
        path = tmp_path / "own.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(path))

    return write


def test_every_shipped_entry_follows_its_schema():
    catalogue.check_catalogues(SCHEMAS)


def test_every_checkpoint_of_the_paper_says_what_is_known_of_it():
    for name in PAPER["checkpoints"]:
        entry = catalogue.catalogue("checkpoints")[name]
        assert entry.keys() >= {"licence", "paper", "linear", "epochs", "format"}, name


def test_files_have_one_name_each():
    """Two entries may share a file only if one is a variant of the other."""
    owner = {}
    for kind in catalogue.KINDS:
        for name, entry in catalogue.catalogue(kind).items():
            for file, card in catalogue.files(entry).items():
                assert owner.setdefault(file, card) == card, (name, file)


def test_a_resnet50_of_ones_own_is_an_entry_of_under_ten_lines(own):
    own(
        """
checkpoints:
  mine:
    zoo: mine
    architecture: resnet50
    normalisation: imagenet
    files: {mine.pth: {urls: [https://example.org/mine.pth]}}
    format: torch
    prefix: backbone.
"""
    )
    catalogue.check_catalogues(SCHEMAS)
    assert catalogue.catalogue("checkpoints")["mine"]["prefix"] == "backbone."
    assert "byol" in catalogue.catalogue("checkpoints")


def test_a_study_can_change_one_field_and_its_variants_follow(own):
    own({"checkpoints": {"byol": {"files": {"b.pkl": {"urls": ["https://example.org/b.pkl"]}}}}})
    entries = catalogue.catalogue("checkpoints")
    assert list(entries["byol"]["files"]) == list(entries["byol-as-trained"]["files"]) == ["b.pkl"]
    assert (entries["byol"]["format"], entries["byol-as-trained"]["padding"]) == ("haiku", "same")


@pytest.mark.parametrize(
    "content, message",
    [
        ({"checkpoints": {"byol": {"prefx": "a"}}}, "catalogue of checkpoints, byol: .*'prefx' was unexpected"),
        (
            {"checkpoints": {"x": {"zoo": "y", "architecture": "resnet50"}}},
            "checkpoints, x: 'weights' is a required",
        ),
        (
            {
                "checkpoints": {
                    "x": {"zoo": "y", "architecture": "resnet50", "weights": "a.pth", "pretrain": {"objective": "none"}}
                }
            },
            "checkpoints, x: `pretrain` makes the weights, so leave out",
        ),
        ({"checkpoints": {"x": {"variant_of": "byol-tiny"}}}, "x: the tiny zoo ships no weights of this name; set"),
        ({"datasets": {"dtd": {"metric": "f1"}}}, "catalogue of datasets, dtd.metric: 'f1' is not one of"),
        ({"datasets": {"dtd": {"files": {"a.tar": {}}}}}, "catalogue of datasets, dtd.files.a.tar: "),
        ({"datasets": {"dtd": {"files": {"../a": {"note": "x"}}}}}, "dtd.files: '../a' does not match"),
        ({"checkpoints": {"x": {"variant_of": "z"}}}, "x: unknown name 'z' in `variant_of`"),
        ({"model": {}}, "own.yaml: not a catalogue; its keys must be datasets and checkpoints"),
        ("- a", "own.yaml: not a mapping"),
        ("a: [", "own.yaml: not YAML"),
    ],
)
def test_mistakes_are_one_line_that_names_the_entry(own, content, message):
    own(content)
    with pytest.raises(InputError, match=message) as error:
        catalogue.check_catalogues(SCHEMAS)
    assert "\n" not in str(error.value)


def test_a_catalogue_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("PEDRANK_CATALOGUE", "nowhere.yaml")
    with pytest.raises(InputError, match="nowhere.yaml: no such file"):
        catalogue.catalogue("datasets")


def test_the_settings_of_a_study_reach_its_jobs(tmp_path, monkeypatch):
    for name in ("PEDRANK_CATALOGUE", "PEDRANK_MIRROR"):
        monkeypatch.setenv(name, "")
    (tmp_path / "own.yaml").write_text("datasets: {}")
    catalogue.use_settings({"catalogue": str(tmp_path / "own.yaml"), "mirror": "http://mirror"}, SCHEMAS)
    assert (os.environ["PEDRANK_CATALOGUE"], os.environ["PEDRANK_MIRROR"]) == (
        str(tmp_path / "own.yaml"),
        "http://mirror",
    )


def test_the_list_of_files_says_what_is_fetched_from_where_and_what_is_not(tmp_path):
    (tmp_path / "102flowers.tgz").touch()
    listed = {row["file"]: row for row in fetch_rows(PAPER, tmp_path)}
    assert len(listed) == 32
    assert listed["102flowers.tgz"]["state"] == "here"
    assert listed["cars_train.tgz"]["state"] == listed["ILSVRC2012_img_val.tar"]["state"] == "BY HAND"
    assert listed["swav_800ep_pretrain.pth.tar"] | {"note": ""} == {
        "entry": "swav",
        "file": "swav_800ep_pretrain.pth.tar",
        "megabytes": 110,
        "licence": "CC-BY-NC-4.0",
        "source": "dl.fbaipublicfiles.com",
        "state": "to fetch",
        "note": "",
    }
    text = fetch_table(PAPER, tmp_path)
    assert f"{tmp_path / 'ILSVRC2012_img_val.tar'}: needs an account at image-net.org" in text
    assert "32 files, 31 of them still to fetch: about 22.5 GB" in text


def test_the_size_of_decoded_images_is_counted():
    config = copy.deepcopy(PAPER) | {"datasets": ["pets"], "image_size": 10}
    assert prepared_gigabytes(config) == (3680 + 3669 + 50_000) * 300 / 1e9
    assert prepared_gigabytes(config | {"reference": {"source": "shipped"}}) == (3680 + 3669) * 300 / 1e9


def test_schemas_explain_every_field():
    for kind in catalogue.KINDS:
        schema = yaml.safe_load(Path(SCHEMAS / f"{kind}.schema.yaml").read_text())
        used = {field for entry in catalogue.catalogue(kind).values() for field in entry}
        assert used <= set(schema["properties"])
