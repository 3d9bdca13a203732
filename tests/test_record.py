"""The user's record: what it keeps, what a prior makes of it, and that the target never counts."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from test_rank import rank

from pedrank.cli import main
from pedrank.ranking.prior import known_priors
from pedrank.ranking.recorded import (
    COLUMNS,
    add,
    elsewhere,
    images_hash,
    read_record,
    record_file,
    weights_hash,
    with_record,
)
from pedrank.store.artefacts import read_arrays, read_json, read_metadata, write_arrays
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT

TINY = PACKAGE / "checkpoints/tiny"


def rows(*cells):
    return pd.DataFrame(
        [(f"d{c[0]}", f"images{c[0]}", "p", c[1], f"w-{c[1]}", c[2], 3) for c in cells], columns=list(COLUMNS)
    )


def test_where_the_record_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PEDRANK_RECORD", "none")
    assert record_file() is None
    monkeypatch.setenv("PEDRANK_RECORD", str(tmp_path / "a.csv"))
    assert record_file() == tmp_path / "a.csv"
    monkeypatch.delenv("PEDRANK_RECORD")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert record_file() == tmp_path / "pedrank/record.csv"


def test_newer_accuracies_replace_older_ones_of_the_same_weights_and_images(tmp_path):
    file = tmp_path / "deep/record.csv"
    assert add(file, rows((1, "a", 80.0), (1, "b", 90.0))) == 2
    assert add(file, rows((1, "b", 91.0), (2, "b", 70.0))) == 1
    kept = read_record(file)
    assert kept[["dataset", "checkpoint", "accuracy"]].values.tolist() == [
        ["d1", "a", 80.0],
        ["d1", "b", 91.0],
        ["d2", "b", 70.0],
    ]


@pytest.mark.parametrize(
    "content, message",
    [
        ("a,b\n1,2\n", "no column 'dataset'"),
        (",".join(COLUMNS) + "\nd,i,p,c,w,high,3\n", "an accuracy is no number"),
        ("", "not a CSV table"),
    ],
)
def test_a_spoilt_record_is_one_line_and_is_kept(tmp_path, content, message):
    file = tmp_path / "record.csv"
    file.write_text(content)
    with pytest.raises(InputError, match=message):
        add(file, rows((1, "a", 80.0)))
    assert file.read_text() == content


def test_two_at_once_lose_nothing(tmp_path):
    code = (
        "import sys, pandas as pd; from pathlib import Path; from pedrank.ranking.recorded import COLUMNS, add\n"
        "for n in range(20): add(Path(sys.argv[1]), pd.DataFrame([('d', 'i', 'p', 'c', f'{sys.argv[2]}{n}', 1.0, 1)],"
        " columns=list(COLUMNS)))"
    )
    file = tmp_path / "record.csv"
    each = [subprocess.Popen([sys.executable, "-c", code, str(file), name], cwd=ROOT) for name in "ab"]
    assert [process.wait() for process in each] == [0, 0]
    assert len(read_record(file)) == 40


def test_weights_have_one_hash_under_all_names_and_headers(tmp_path):
    arrays, metadata = read_arrays(TINY / "byol-tiny.safetensors"), read_metadata(TINY / "byol-tiny.safetensors")
    write_arrays(tmp_path / "copy.safetensors", arrays, metadata | {"made_by": {"pedrank": "0.0"}})
    assert weights_hash(tmp_path / "copy.safetensors") == weights_hash(TINY / "byol-tiny.safetensors")
    assert weights_hash(TINY / "moco-tiny.safetensors") != weights_hash(TINY / "byol-tiny.safetensors")


@pytest.mark.parametrize("count", [0, 1, 63, 500])
def test_images_are_recognised_by_pixels_and_labels(tmp_path, count):
    random = np.random.default_rng(0)
    arrays = {
        "images": random.integers(0, 256, (count, 4, 4, 3), np.uint8),
        "labels": random.integers(0, 3, count),
        "split": np.zeros(count, np.uint8),
    }

    def hashed(**changed):
        write_arrays(tmp_path / "a.safetensors", arrays | changed, {})
        return images_hash(tmp_path / "a.safetensors")

    known = hashed()
    assert hashed() == known
    if count:
        assert hashed(labels=arrays["labels"] + 1) != known
        assert hashed(images=arrays["images"][::-1].copy() + np.uint8(1)) != known


def test_the_target_is_left_out_by_name_and_by_images():
    record = rows((1, "a", 80.0), (1, "b", 90.0), (2, "a", 70.0), (2, "b", 60.0))
    weights = {"a": "w-a", "b": "w-b"}
    assert elsewhere(record, "d1", [], weights)["accuracy"].tolist() == [70.0, 60.0]
    assert elsewhere(record, "other", ["images2"], weights)["accuracy"].tolist() == [80.0, 90.0]
    assert elsewhere(record, "my d1 photos", [], {"a": "w-a"}).empty  # one checkpoint alone says nothing


def test_a_recorded_dataset_counts_like_a_published_one():
    """By hand: level 0.5, spread sqrt((50 + 4) / 5) of 75 and 85, then the mean over ten datasets."""
    prior, datasets = pd.Series({"a": 0.0, "b": 1.0, "c": 2.0}), pd.Series({"a": 9, "b": 9, "c": 9})
    recorded = pd.DataFrame({"group": "g", "checkpoint": ["a", "b"], "accuracy": [75.0, 85.0]})
    found = with_record(prior, datasets, recorded, 1.0)
    z = 5 / np.sqrt((50 + 4) / 5)
    np.testing.assert_allclose(found["prior"], [(0 * 9 + 0.5 - z) / 10, (9 + 0.5 + z) / 10, 2.0])
    assert found["recorded"].tolist() == [1, 1, 0]


def test_close_accuracies_of_few_checkpoints_hardly_count():
    prior, datasets = pd.Series({"a": np.nan, "b": np.nan}), pd.Series({"a": 0, "b": 0})
    close = pd.concat([pd.DataFrame({"group": g, "checkpoint": ["a", "b"], "accuracy": [80.0, 80.1]}) for g in "xyz"])
    found = with_record(prior, datasets, close, 1.0)["prior"]
    assert 0 < found["b"] - found["a"] < 0.2


def test_fewer_than_three_datasets_make_no_prior_of_unknown_weights():
    recorded = pd.concat(
        [pd.DataFrame({"group": g, "checkpoint": ["mine", "byol"], "accuracy": [90.0, 80.0]}) for g in "xyz"]
    )
    entries = {"mine": None, "byol": None}
    two = known_priors(entries, "photos", recorded[recorded["group"] != "x"])
    three = known_priors(entries, "photos", recorded)
    assert two["prior"].isna().tolist() == [True, False] and two.loc["mine", "prior_from"] == ""
    assert three.loc["mine", "prior_from"] == "3 of your record"
    assert three.loc["byol", "prior_from"] == "11 other datasets and 3 of your record"
    assert three.loc["mine", "prior"] > three.loc["byol", "prior"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A dataset on which three tiny checkpoints were fine-tuned, two more in the record, and one more to rank."""
    folder = tmp_path_factory.mktemp("recorded")
    file = folder / "record.csv"
    os.environ["PEDRANK_RECORD"] = str(file)
    try:
        first = ["--images", "digits", "--checkpoints", "byol-tiny", "moco-tiny", "simclr-tiny", "--json"]
        done = rank(folder, *first, "--out", "first", "--finetune", "top3", "--steps", "12")
        assert done.returncode == 0, done.stderr
        kept = read_record(file)
        for name in ("mnist", "svhn"):  # the same accuracies, as if measured on other images
            add(file, kept.assign(dataset=name, images=name))
        export = [sys.executable, str(ROOT / "scripts/export_images.py"), "--dataset", "fashion-mnist", "--limit", "20"]
        subprocess.run([*export, "--out", "photos"], cwd=folder, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        names = ["byol-tiny", "moco-tiny", "simclr-tiny", "vicreg-tiny"]
        arguments = ["--images", "photos", "--checkpoints", *names, "--json", "--out", "last"]
        again = rank(folder, *arguments)
        assert again.returncode == 0, again.stderr
        yield folder, kept, json.loads(done.stdout), json.loads(again.stdout), arguments
    finally:
        os.environ["PEDRANK_RECORD"] = "none"


def test_rank_fills_the_record_and_counts_it_elsewhere(recorded):
    _, kept, answer, last, _ = recorded
    tuned = {entry["checkpoint"]: entry["accuracy"] for entry in answer["confirmation"]["fine_tuned"]}
    assert kept.set_index("checkpoint")["accuracy"].to_dict() == pytest.approx(tuned) and len(tuned) == 3
    assert set(kept["dataset"]) == {"digits"} and "record.csv" in answer["record"]
    sources = {row["checkpoint"]: row["prior_from"] for row in last["checkpoints"]}
    assert sources == dict.fromkeys(["byol-tiny", "moco-tiny", "simclr-tiny"], "3 of your record") | {"vicreg-tiny": ""}
    tried = [row["checkpoint"] for row in last["checkpoints"] if row["prior"] is not None]
    priors = {row["checkpoint"]: row["prior"] for row in last["checkpoints"] if row["prior"] is not None}
    assert tried == sorted(priors, key=priors.get, reverse=True)  # the prior leads


def test_ranking_again_does_nothing_and_the_own_record_does_not_rerun_a_study(recorded):
    folder, _, _, last, arguments = recorded
    made = folder / "last/results/photos/ranking/photos.json"
    before = made.stat().st_mtime_ns
    assert rank(folder, *arguments).returncode == 0
    assert made.stat().st_mtime_ns == before
    again = rank(folder, *arguments, "--finetune", "top1", "--steps", "4")
    assert again.returncode == 0 and made.stat().st_mtime_ns == before
    assert rank(folder, *arguments).returncode == 0
    assert made.stat().st_mtime_ns == before
    assert read_json(made)["checkpoints"] == last["checkpoints"]


def test_the_command_shows_and_adds(recorded, monkeypatch, capsys):
    folder, *_ = recorded
    file = folder / "other.csv"
    monkeypatch.setenv("PEDRANK_RECORD", str(file))
    assert main(["record"]) == 0
    assert "0 accuracies" in capsys.readouterr().out
    assert main(["record", "--add", str(folder / "last/results/photos")]) == 1
    assert "has not fine-tuned its checkpoints" in capsys.readouterr().err
    assert main(["record", "--add", str(folder)]) == 1
    assert "is no folder of a finished study" in capsys.readouterr().err
    monkeypatch.setenv("PEDRANK_RECORD", "none")
    assert main(["record"]) == 1
    assert "unset it, or set it to a file" in capsys.readouterr().err
