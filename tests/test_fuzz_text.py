"""Hostile text: configurations, catalogues, tables, notes. Read, or refused in one line; nothing else happens."""

import copy
import json
import os
import re

import jsonschema  # noqa: F401 (read here, not in each child)
import pandas as pd
import pytest
import yaml
from fuzz import fuzzed
from fuzz.cage import caged
from fuzz.inputs import mutated, mutated_text, replaced
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import validate

from pedrank.catalogue.catalogue import check_catalogues
from pedrank.evaluation.inputs import accuracies_of, scores_of
from pedrank.fetch.checksums import Refused, remember_checksum
from pedrank.fetch.download import recorded_sha256
from pedrank.finetune.ground_truth import from_file
from pedrank.formats.yaml_file import read_yaml
from pedrank.store.artefacts import read_csv, read_json
from pedrank.study.config import check_names, check_schema, read_config, refinements
from pedrank.user_data import image_table
from pedrank.utils.errors import InputError, about
from pedrank.utils.paths import ROOT

SCHEMAS = ROOT / "schemas"
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())
EXAMPLE = (ROOT / "studies/example.yaml").read_text()
METRICS = ["nleep", "parc", "logme", "sfda", "gbc", "knn", "rankme", "feature_norm"]
WORDS = ["[", "{", "&a", "*a", "<<:", "!!python/object/apply:os.system", ".nan", "0x" + "f" * 5000, "9" * 5000, "x: y",
         "null", "? [a]", "'", "|", "- ", "\t", "no", "1e999", "!!binary x", "../x", "$HOME", "`id`"]  # fmt: skip


def configured(config):
    """As rules/common.smk does it."""
    check_schema(config, SCHEMAS / "config.schema.yaml")
    validate(config, SCHEMAS / "config.schema.yaml")  # fills in the defaults
    check_names(config, METRICS)
    refinements(config)


def test_the_honest_configuration_is_read():
    configured(copy.deepcopy(PAPER))
    read_config(ROOT, ROOT / "studies/example.yaml")


@given(config=replaced(PAPER, more=["byol", "cars", "logme", "ped-0.3"]))
@fuzzed()
def test_a_configuration(config):
    caged("config", {"config": b""}, lambda folder: configured(config))


@given(content=st.one_of(mutated_text(EXAMPLE, WORDS), mutated(EXAMPLE.encode())))
@fuzzed()
def test_a_configurations_yaml(content):
    caged("config, YAML", {"study.yaml": content}, lambda folder: configured_file(folder / "study.yaml"))


read_config(ROOT)  # imports what it needs before anybody watches


def configured_file(path):
    with about(path):
        configured(read_config(ROOT, path))


CATALOGUE = {
    "datasets": {
        "mine": {"title": "t", "source": "s", "licence": "l", "classes": 3, "metric": "top-1",
                 "counts": {"train": 3, "validation": "seeded", "test": 2}, "files": {"a.tar": {"urls": ["https://a.b/c"]}}},
        "dtd": {"metric": "top-1"},
    },
    "checkpoints": {
        "mine": {"zoo": "mine", "architecture": "resnet50", "normalisation": "imagenet", "format": "torch",
                 "files": {"a.pth": {"urls": ["https://a.b/c"], "md5": "0" * 32}}, "unwrap": ["a"], "prefix": "b"},
        "other": {"variant_of": "mine", "padding": "same"},
    },
}  # fmt: skip


def catalogued(path):
    os.environ["PEDRANK_CATALOGUE"] = str(path)
    with about(path):
        check_catalogues(SCHEMAS)


@given(
    content=st.one_of(
        replaced(CATALOGUE, more=["mine", "other", "byol"]).map(lambda content: yaml.safe_dump(content).encode()),
        mutated_text(yaml.safe_dump(CATALOGUE), WORDS),
    )
)
@fuzzed()
def test_a_catalogue(content):
    caged("catalogue", {"own.yaml": content}, lambda folder: catalogued(folder / "own.yaml"))


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join(['*' + chr(97 + i)] * 9)}]}}\n" for i in range(12)
)


@pytest.mark.parametrize(
    "text, message",
    [
        (LAUGHS, "more than 1,000,000 values"),
        (MERGES, "more than 1,000,000 values"),
        ("a: " + "[" * 100_000, "levels|nesting depth"),  # which of the two depends on PyYAML
        ("a: &a [*a]", "the alias 'a' is unknown or part of itself"),
        ("a: *b", "the alias 'b' is unknown"),
        ("a: 2026-99-99", "not YAML"),
        ("a: 2026-01-01", r"own.yaml, a: a date is not allowed here"),
        ("1: a", "top level: a key is not text"),
        ("a: {b: .nan}", r"own.yaml, a.b: the number is NaN, infinite or too large"),
        ("a: 0x" + "f" * 10_000, "the number is NaN, infinite or too large"),
        ("a: !!python/object/apply:os.system [id]", "not YAML"),
        ("a: \x00", "not YAML"),
        ("- a", "not a mapping"),
        ("", "not a mapping"),
    ],
    ids=range(14),
)
def test_yaml_without_sense_or_end(text, message):
    found = caged(
        "YAML, by hand", {"own.yaml": text.encode()}, lambda folder: read_yaml(folder / "own.yaml"), memory=64
    )
    assert re.search(message, found), found


TABLE = "dataset,checkpoint,accuracy,sd\ncars,a,91.5,0.1\ncars,b,80,\ndtd,a,70,0.2\n"
CELLS = ["91,5", '"', "nan", "inf", "-1", "1e400", "True", "", "cars", "a,a,a,a", "0.5", "\x00", "é", "=cmd|x"]


def mutated_cells(table: str) -> st.SearchStrategy[bytes]:
    """A table in which cells, and not only lines, are replaced: they are words to `mutated_text`."""
    return mutated_text(table.replace(",", " , "), CELLS).map(lambda content: content.replace(b" , ", b","))


@given(content=st.one_of(mutated_cells(TABLE), mutated(TABLE.encode())))
@fuzzed()
def test_a_table_of_ground_truth(content):
    def look(folder):
        table = from_file(folder / "own.csv", "cars", ["b", "a"])
        assert table["checkpoint"].tolist() == ["b", "a"] and table["accuracy"].between(0, 100).all()

    caged("ground truth, CSV", {"own.csv": content}, look)


def test_a_decimal_comma_is_no_column(tmp_path):
    (tmp_path / "own.csv").write_text("dataset,checkpoint,accuracy\ncars,a,91,5\ncars,b,80,1\n")
    with pytest.raises(InputError, match="own.csv: line 2 has more cells than the first line"):
        from_file(tmp_path / "own.csv", "cars", ["a", "b"])


@pytest.mark.parametrize(
    "rows, message",
    [
        ("1,a,90\n2,b,80\n", "no rows for dataset 'cars' .rows exist for: 1, 2"),
        (",a,90\ncars,b,80\n", "line 2: no dataset; fill in"),
        ("cars,a,90\ncars,b,True\n", "accuracy 'True' is not a percentage"),
    ],
)
def test_odd_names_and_cells_are_named(tmp_path, rows, message):
    (tmp_path / "own.csv").write_text(f"dataset,checkpoint,accuracy\n{rows}")
    with pytest.raises(InputError, match=message):
        from_file(tmp_path / "own.csv", "cars", ["a", "b"])


def test_a_spread_that_is_no_number_is_named(tmp_path):
    (tmp_path / "own.csv").write_text("dataset,checkpoint,accuracy,sd\ncars,a,90,0.1\ncars,b,80,?\n")
    with pytest.raises(InputError, match=r"own.csv: line 3: sd '\?' is not a number"):
        from_file(tmp_path / "own.csv", "cars", ["a", "b"])


OWN = "path,label,split\na.png,cat,train\nb.png,dog|cat,train\na.png,cat,test\n"


@given(content=st.one_of(mutated_cells(OWN), mutated(OWN.encode())))
@fuzzed()
def test_a_table_of_ones_own_images(content):
    caged(
        "own images, CSV",
        {"own.csv": content, "a.png": b"", "b.png": b""},
        lambda f: image_table.listing(f / "own.csv"),
    )


def test_a_label_with_a_comma_is_no_other_label(tmp_path):
    (tmp_path / "own.csv").write_text("path,label\na.png,cat, small\n")
    with pytest.raises(InputError, match="own.csv: line 2 has more cells than the first line"):
        image_table.listing(tmp_path / "own.csv")


SCORES = "dataset,checkpoint,metric,refinement,score,rank_score\n" + "".join(
    f"{dataset},{checkpoint},logme,{refinement},1.5,{value}\n"
    for dataset in ("cars", "dtd")
    for value, checkpoint in enumerate("ab")
    for refinement in ("none", "ped-0.3")
)


@given(content=st.one_of(mutated_cells(SCORES), mutated(SCORES.encode())))
@fuzzed()
def test_a_table_of_scores(content):
    truth = accuracies_of(
        pd.DataFrame({"dataset": ["cars", "cars", "dtd", "dtd"], "checkpoint": [*"abab"], "accuracy": 9.0})
    )
    columns = ["dataset", "checkpoint", "metric", "refinement", "rank_score"]

    def look(folder):
        with about("scores.csv"):
            scores_of(read_csv(folder / "scores.csv", columns), truth)

    caged("scores, CSV", {"scores.csv": content}, look)


NOTE = json.dumps({"a.tar": "0" * 64, "b.zip": "1" * 64})


@given(content=st.one_of(mutated(NOTE.encode()), st.sampled_from([b"", b"[]", b"[" * 100_000, b'{"a.tar": 1}'])))
@fuzzed()
def test_notes_of_downloads(content):
    def look(folder):
        recorded_sha256(folder / "sha256.json")
        read_json(folder / "sha256.json")

    caged("JSON", {"sha256.json": content, "sha256.json.sha256": content}, look)

    def remember(folder):
        try:
            remember_checksum(folder, "a.tar", "0" * 64)
        except Refused as reason:
            raise InputError(f"sha256.json: {reason}") from None
        finally:
            (folder / ".sha256.json.lock").unlink(missing_ok=True)

    caged("checksums seen", {"sha256.json": content}, remember)
