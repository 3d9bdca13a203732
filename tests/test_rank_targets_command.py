"""`pedrank rank` for real numbers and several labels per sample, and tables of images with amounts."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file

import pedrank
from pedrank.cli import main
from pedrank.user_data import images
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

RANDOM = np.random.default_rng(0)
Y = RANDOM.normal(size=60)
Z = {name: Y[:, None] * share + RANDOM.normal(size=(60, 5)) for name, share in (("far", 2.0), ("near", 0.3))}
LABELS = np.c_[Y > 0, Y > 1, RANDOM.random(60) > 0.5].astype(np.uint8)


def write(folder, targets, kind="npz"):
    folder.mkdir()
    for name, features in Z.items():
        if kind == "npz":
            np.savez(folder / f"{name}.npz", features=features, labels=targets)
        elif kind == "npy":
            np.save(folder / f"{name}.npy", features)
            np.save(folder / "labels.npy", targets)
        else:
            save_file({"features": features, "labels": np.ascontiguousarray(targets)}, folder / f"{name}.safetensors")


def rank(*arguments):
    return main(["rank", "--images", *arguments])


def without_times(found):
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in found["checkpoints"]]
    return {key: value for key, value in found.items() if key not in ("made_by", "seconds")} | {"checkpoints": rows}


@pytest.mark.parametrize("kind", ["npz", "npy", "safetensors"])
@pytest.mark.parametrize("targets", [Y, np.c_[Y, Y**2], LABELS], ids=["real", "columns", "labels"])
def test_a_folder_gives_the_answer_of_python(tmp_path, monkeypatch, capsys, kind, targets):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cells", targets, kind)
    assert rank("cells", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    expected = pedrank.rank(Z, targets, dataset="cells")
    assert without_times(found) == without_times(expected.found)
    assert rank("cells", "--metric", "knn", "logme") == 0
    printed = capsys.readouterr().out
    ranking = pedrank.rank(Z, targets, dataset="cells", metric=["knn", "logme"])
    assert ranking.picks == ["far"] and re.search(r"^far +1 ", printed, re.MULTILINE)
    for sentence in [*ranking.sentences, *ranking.notes]:
        assert sentence in printed
    assert "60 samples with" in printed and "image" not in printed
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]  # nothing is written


def test_whole_numbers_need_the_task_where_it_is_unclear(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ages", np.round(9 * Y) + 50.0)
    assert rank("ages") == 1
    said = capsys.readouterr().err
    assert (
        "far.npz: the labels are whole numbers of type float64" in said
        and "or state the task: task='regression' in Python, --task regression" in said
    )
    assert rank("ages", "--task", "classes") == 1
    assert "far.npz: labels of type float64 are no classes here; save them as integers" in capsys.readouterr().err
    assert rank("ages", "--task", "regression") == 0
    assert "Fine-tune far." in capsys.readouterr().out


def test_whole_numbers_of_single_samples_get_a_note(tmp_path, monkeypatch, capsys):
    """Before the workflow ranks them as classes; here it does not start."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ages", np.arange(60))
    monkeypatch.setattr("pedrank.cli.rank_study.collect", lambda arguments: sys.exit(3))
    for options, said in (
        ([], "note: The 60 classes are numbers with 1.0 samples on average."),
        (["--task", "classes"], ""),
    ):
        with pytest.raises(SystemExit):
            rank("ages", *options)
        printed = capsys.readouterr().err
        assert printed.startswith(said) if said else printed == ""


def test_a_dry_run_ranks_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ages", Y)
    assert rank("ages", "--dry-run") == 0
    assert capsys.readouterr().out == "would rank far, near in this process, without jobs and without a report\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--refine", "0.6"], "leave out refine, since PED moves the one class of each sample"),
        (["--metric", "sfda"], "sfda needs one class per sample; real numbers allow logme, knn and linear_probe"),
        (["--finetune", "top1"], "--finetune: ages has features and no images; leave out --finetune, or give images"),
        (["--zoo", "tiny"], "--zoo: ages has features and no images"),
        (["--reference", "photos"], "--reference: has no effect"),
        (["--task", "labels"], "targets must have shape (N, K)"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ages", Y)
    assert rank("ages", *arguments) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_files_with_other_targets_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ages", Y)
    np.savez(tmp_path / "ages/near.npz", features=Z["near"], labels=Y[::-1])
    assert rank("ages") == 1
    assert (
        "near.npz: its labels differ from those of far.npz; all files need the same samples" in capsys.readouterr().err
    )


def test_images_have_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert rank("photos", "--task", "regression") == 1
    assert "--task regression: photos is no folder of features; extract the features" in capsys.readouterr().err


def photos(folder, labels):
    for number in range(len(labels)):
        pixels = np.random.default_rng(number).integers(0, 255, size=(8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    paths = [f"{number}.png" for number in range(len(labels))]
    pd.DataFrame({"path": paths, "label": labels}).to_csv(folder / "photos.csv", index=False)
    return folder / "photos.csv"


@pytest.mark.parametrize(
    "labels, named",
    [
        (["3.27", "1e-3", "58", "0.5"], "3.27"),
        (["31.0", "44.0", "44.0", "58.0", "61.5"], "31.0"),
        (["12", "-0,5", "1,25", "7"], "-0,5"),
    ],
)
def test_a_table_with_amounts_names_the_reason_and_the_remedy(tmp_path, labels, named):
    table = photos(tmp_path, labels)
    with pytest.raises(InputError) as error:
        images.listing(table)
    said = str(error.value)
    assert said.startswith(f"{table}: the labels are numbers such as {named}, most of them at a single image")
    assert "for a regression, rank in Python: pedrank.rank({NAME: pedrank.extract(network, pixels), …}, numbers" in said
    assert f"if they are classes, write 'class {named}'" in said and "\n" not in said


def test_whole_numbers_of_single_images_may_be_amounts(tmp_path):
    found = images.listing(photos(tmp_path, ["31", "44", "44", "58", "61"]))
    assert found.notes[0].startswith(
        "3 of 4 classes are numbers that stand at a single image. If the labels are amounts"
    )
    assert "task='regression'" in found.notes[0]


@pytest.mark.parametrize(
    "labels",
    [["0.5", "0.5", "1.5", "1.5"], ["1", "1", "2", "2"], ["a1", "b2", "c3", "4"], ["cat 0.5", "cat 0.7", "1", "1"]],
)
def test_other_tables_are_read_as_before(tmp_path, labels):
    found = images.listing(photos(tmp_path, labels))
    assert list(found.class_names) == sorted(set(labels)) and list(found.notes) == []


def test_the_lines_of_the_documents_rank_images_by_amounts(tmp_path, monkeypatch):
    """The remedy of the message, as docs/own-data.md writes it."""
    photos(tmp_path, [f"{age:.2f}" for age in 50 + 9 * Y[:20]])
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    (program,) = (block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "pixels = " in block)
    networks = {
        name: torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(size), torch.nn.Flatten())
        for name, size in (("coarse", 1), ("fine", 3))
    }
    variables = {"networks": networks}
    exec(program, variables)
    assert variables["ranking"].found["task"] == "regression" and variables["ranking"].found["images"] == 20
