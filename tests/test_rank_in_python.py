"""`pedrank.rank` in Python: the numbers of the command, from features and from images; the answer as an object."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import pedrank
from pedrank.checkpoints.network_file import load_network
from pedrank.interactive import rank_command
from pedrank.interactive.ranking_result import Ranking
from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT

Y = np.repeat(["dog", "cat", "eel"], [20, 25, 30])
RANDOM = np.random.default_rng(0)
# In the alphabetical order of the names, in which a folder is read; `twin` has the features of `near`.
FEATURES = {
    name: distance * np.eye(3, size)[np.unique(Y, return_inverse=True)[1]] + RANDOM.normal(size=(75, size))
    for name, distance, size in (("far", 2.0, 8), ("middle", 1.0, 6), ("near", 0.5, 8))
}
FEATURES["twin"] = FEATURES["near"]


def command(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pedrank", "rank", "--cores", "2", "--json", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_seconds(found):
    """All facts but times, files and the report: what must be equal."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in found["checkpoints"]]
    rest = {key: found[key] for key in found if key not in ("made_by", "report", "seconds", "sealed")}
    return rest | {"checkpoints": rows}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rank")
    (folder / "features").mkdir()
    for name, features in FEATURES.items():
        np.savez(folder / f"features/{name}.npz", features=features, labels=Y)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, arguments",
    [
        ({}, []),
        ({"metric": ["gbc", "ncm"], "refine": 0.6}, ["--metric", "gbc", "ncm", "--refine", "0.6"]),
    ],
    ids=["combination", "metric and PED"],
)
def test_features_in_memory_and_in_a_folder_are_ranked_alike(folder, options, arguments):
    """Every fact and every sentence of the answer, number by number, and the table as a file."""
    expected = command(folder, "--images", "features", *arguments)
    ranking = pedrank.rank(FEATURES, Y, **options)
    found, other = without_seconds(ranking.found), without_seconds(expected)
    assert json.loads(json.dumps(found)) == other
    said = " ".join([*ranking.sentences, *ranking.notes])
    assert "halves of the samples" in said and "image" not in said.lower().replace("accuracy on imagenet", "")
    ranking.save(folder / "ranking.csv")
    saved, written = (
        read_csv(path).drop(columns="seconds")
        for path in (folder / "ranking.csv", folder / "pedrank-results/results/features/ranking/features.csv")
    )
    pd.testing.assert_frame_equal(saved, written, check_exact=True)


@pytest.mark.slow
def test_images_give_the_answer_of_the_command_and_of_features_in_memory(tmp_path, monkeypatch, capfd):
    """The workflow's answer; and the same numbers from `read_images`, `extract` and `rank` in this process."""
    monkeypatch.chdir(tmp_path)
    for label, colour in (("cat", 40), ("dog", 90), ("eel", 140)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(15):
            pixels = RANDOM.normal(colour, 40, size=(36, 40, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"photos/{label}/{number}.png")
    names = ["byol-tiny", "moco-tiny", "simclr-tiny"]
    before = dict(os.environ)
    ranking = pedrank.rank(images="photos", checkpoints=names, cores=2)
    assert dict(os.environ) == before
    assert (tmp_path / "pedrank-results/results/photos/report.html").is_file()
    assert without_seconds(command(tmp_path, "--images", "photos", "--checkpoints", *names)) == without_seconds(
        ranking.found
    )

    images, labels = pedrank.read_images("photos", size=32)
    assert images.shape == (36, 32, 32, 3) and sorted(set(labels)) == ["cat", "dog", "eel"]
    features = {}
    for name in names:
        network, normalisation = load_network(PACKAGE / f"checkpoints/tiny/{name}.safetensors")
        features[name] = pedrank.extract(network, "photos", size=32, normalisation=normalisation)
    in_memory = pedrank.rank(features, labels).table.set_index("checkpoint")
    by_workflow = ranking.table.set_index("checkpoint").loc[in_memory.index]
    for column in ("rank", "score", "combined", "first"):
        np.testing.assert_allclose(in_memory[column].to_numpy(float), by_workflow[column].to_numpy(float), rtol=1e-5)


@pytest.mark.slow
def test_a_failing_command_is_its_own_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="nowhere is no file, folder or known dataset"):
        pedrank.rank(images="nowhere", checkpoints=["byol-tiny"])
    with pytest.raises(InputError, match="unrecognized arguments: --zooo=tiny"):
        pedrank.rank(images="nowhere", zooo="tiny")


KINDS = {
    "NumPy": (np.asarray, np.asarray),
    "Fortran order": (np.asfortranarray, list),
    "pandas": (lambda z: pd.DataFrame(z, columns=[f"x{i}" for i in range(z.shape[1])]), pd.Series),
    "pandas objects": (lambda z: pd.DataFrame(z, dtype=object), lambda y: pd.Series(y, dtype=object)),
    "torch": (torch.tensor, torch.tensor),
    "torch with a gradient": (lambda z: torch.tensor(z, requires_grad=True), torch.tensor),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_ranking_takes_arrays_of_every_kind(kind):
    numbers = np.unique(Y, return_inverse=True)[1]
    of_features, of_labels = KINDS[kind]
    ranking = pedrank.rank({name: of_features(values) for name, values in FEATURES.items()}, of_labels(numbers))
    assert without_seconds(ranking.found) == without_seconds(pedrank.rank(FEATURES, Y).found)


def test_labels_may_be_texts_of_pandas():
    expected = without_seconds(pedrank.rank(FEATURES, Y).found)
    for labels in (pd.Series(Y), pd.Series(Y, dtype="category"), pd.Series(Y, dtype="string"), Y.tolist()):
        assert without_seconds(pedrank.rank(FEATURES, labels).found) == expected


def test_the_answer_as_an_object(tmp_path):
    ranking = pedrank.rank(FEATURES, Y, dataset="pets & co")
    assert ranking.picks == ["far"] and ranking.sure in ("sure", "likely", "open")
    table = ranking.table
    assert table["checkpoint"].tolist() == ["far", "middle", "near", "twin"] and table["rank"].tolist() == [1, 2, 3, 3]
    assert table["same_as"].tolist()[-1] == "near"
    assert ranking.sentences[0] == "Fine-tune far."
    page = ranking._repr_html_()
    assert "<td>far</td>" in page and "Fine-tune far." in page and "twin has the same features as near" in page
    assert "pets &amp; co" in page and "<script" not in page
    assert "Fine-tune far." in repr(ranking) and "twin (same features as near)" in repr(ranking)
    for suffix, expected in ((".json", '"picks"'), (".csv", "rank,checkpoint"), (".md", "| far"), (".html", "<td")):
        ranking.save(tmp_path / f"a{suffix}")
        assert expected in (tmp_path / f"a{suffix}").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.xlsx: the ending must be one of \.json, \.csv"):
        ranking.save(tmp_path / "a.xlsx")


def test_the_result_of_fine_tuning_is_part_of_the_answer():
    more = {"confirmation": {"sentences": ["far is confirmed."]}, "record": "Record: 1 accuracy."}
    more["kept"] = {"sentences": ["Weights are kept."]}
    ranking = Ranking(pedrank.rank(FEATURES, Y).found | more)
    assert ranking.sentences[-3:] == ["far is confirmed.", "Record: 1 accuracy.", "Weights are kept."]
    assert "far is confirmed." in ranking._repr_html_()


def test_names_may_be_numbers():
    ranking = pedrank.rank({50: FEATURES["near"], 101: FEATURES["far"]}, Y)
    assert ranking.picks == ["101"] and "101" in repr(ranking)


def test_a_page_escapes_names():
    page = pedrank.rank({"<b>x</b>": FEATURES["far"], "y": FEATURES["near"]}, Y)._repr_html_()
    assert "&lt;b&gt;x" in page and "<b>x" not in page


def test_a_metric_that_is_undefined_drops_out():
    """LEEP needs probabilities."""
    ranking = pedrank.rank(FEATURES, Y, metric=["logme", "leep"])
    assert ranking.found["by"] == "metric" and ranking.found["others"] == []
    assert any("LEEP is left out" in note for note in ranking.notes)


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((), {}, "give either features and labels, or images"),
        ((FEATURES, Y), {"images": "photos"}, "give either features and labels, or images"),
        ((FEATURES,), {}, "give the labels"),
        ((FEATURES, Y), {"zoo": "tiny"}, "zoo has an effect only on images"),
        ((FEATURES, Y), {"checkpoints": ["byol"]}, "checkpoints has an effect only on images"),
        (([FEATURES["far"]], Y), {}, "give features by checkpoint"),
        (({"far": FEATURES["far"]}, Y), {}, "at least two checkpoints, not of 1"),
        ((FEATURES, Y[:10]), {}, "far: features: 75 rows but 10 labels"),
        ((FEATURES, np.linspace(0, 1, 75) * 1j), {}, "far: labels must be a vector of integers or texts"),
        ((FEATURES, Y), {"metric": "logmee"}, "unknown metric 'logmee'"),
        ((FEATURES, Y), {"refine": 0}, "refine must be a number above 0, not 0"),
        (({"a": FEATURES["far"], "b": FEATURES["far"] * np.nan}, Y), {}, "b: row 0 of the features is not finite"),
        (({"a": FEATURES["far"], "b": FEATURES["far"]}, Y), {}, "all checkpoints have the same features as a"),
        ((), {"images": "photos", "labels": Y}, "leave out labels and dataset"),
        ((), {"images": "photos", "dry_run": True}, "leave out dry_run"),
        ((), {"images": "photos", "json": True}, "leave out json"),
    ],
)
def test_a_mistake_is_one_line(arguments, options, message):
    with pytest.raises(InputError, match=message) as error:
        pedrank.rank(*arguments, **options)
    assert "\n" not in str(error.value)


def test_steps_are_those_of_the_log(tmp_path):
    log = tmp_path / "pedrank.log"
    assert rank_command._steps(log, 0) is None
    log.write_text("rule all:\n1 of 9 steps (11%) done\n2 of 9 steps (22%) done\n", encoding="utf-8")
    assert rank_command._steps(log, 0) == (2, 9)
    assert rank_command._steps(log, log.stat().st_mtime + 1) is None


def test_an_interrupt_ends_the_command(monkeypatch):
    started = []

    def sleeper(command, **options):
        started.append(Popen([sys.executable, "-c", "import time; time.sleep(600)"], **options))
        return started[0]

    def interrupted(process, log, start):
        raise KeyboardInterrupt

    Popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", sleeper)
    monkeypatch.setattr(rank_command, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pedrank.rank(images="photos", zoo="tiny")
    assert started[0].poll() is not None
