"""Seals: whatever is changed or swapped after it was written is refused and named; what nobody sealed is taken."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from pedrank.runtime.lock import wait_for_orphans
from pedrank.store import artefacts
from pedrank.store.integrity import place
from pedrank.store.verify import damaged, delete
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT


def write(folder: Path) -> dict[str, Path]:
    """One artefact of each kind, and another of the same shape beside it."""
    results = folder / "results/study"
    for number, name in enumerate(("one", "two")):
        arrays = {"features": np.full((3, 2), float(number), np.float32), "labels": np.arange(3)}
        artefacts.write_arrays(results / f"features/digits/{name}.safetensors", arrays, {"seed": number})
        artefacts.write_json(results / f"scores/logme/none/digits/{name}.json", {"score": 0.1 + number, "n": [1, 2]})
        table = pd.DataFrame({"checkpoint": [name], "accuracy": [97.25 - number]})
        artefacts.write_csv(results / f"ground_truth/{name}.csv", table)
        artefacts.write_text(results / f"tables/{name}.md", f"| {name} | {number} |\n")
    return {path.name: path for path in results.rglob("*.*") if not path.name.startswith(".")}


def read(path: Path) -> object:
    return {".safetensors": artefacts.read_arrays, ".json": artefacts.read_json, ".csv": artefacts.read_csv}[
        path.suffix
    ](path)


def swap(one: Path, two: Path) -> None:
    shutil.move(one, one.with_suffix(".kept"))
    shutil.move(two, one)
    shutil.move(one.with_suffix(".kept"), two)


def names(folder: Path) -> set[str]:
    return {path.name for path in damaged([folder / "results"], known=None)}


def test_what_is_written_is_read_and_found_good(tmp_path):
    files = write(tmp_path)
    assert len(files) == 8
    assert artefacts.read_json(files["one.json"]) == {"score": 0.1, "n": [1, 2]}
    assert artefacts.read_metadata(files["one.safetensors"]) == {"seed": 0}
    assert load_file(files["two.safetensors"])["features"].sum() == 6
    assert list(pd.read_csv(files["one.csv"]).columns) == ["checkpoint", "accuracy"]
    assert names(tmp_path) == set()


def test_the_seal_beside_a_table_is_one_for_sha256sum(tmp_path):
    write(tmp_path)
    seals = [str(path.relative_to(tmp_path / "results")) for path in (tmp_path / "results").rglob(".*.sha256")]
    assert len(seals) == 4
    subprocess.run(["sha256sum", "--check", "--quiet", *seals], cwd=tmp_path / "results", check=True)


@pytest.mark.parametrize("suffix", ["safetensors", "json", "csv", "md"])
def test_two_files_of_equal_shape_swapped_are_both_named(tmp_path, suffix):
    files = write(tmp_path)
    one, two = files[f"one.{suffix}"], files[f"two.{suffix}"]
    swap(one, two)
    assert names(tmp_path) == {one.name, two.name}
    if suffix != "md":
        with pytest.raises(InputError, match=f"one.{suffix}: .*delete it and run again.*make resume") as error:
            read(one)
        assert "\n" not in str(error.value)
    for name in (one.name, two.name) if suffix in ("csv", "md") else ():  # with their seals: the place is wrong
        swap(one.with_name(f".one.{suffix}.sha256"), two.with_name(f".two.{suffix}.sha256"))
        assert name in names(tmp_path)


@pytest.mark.parametrize("suffix", ["safetensors", "json", "csv"])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flipped_bit_is_read_as_another_number(tmp_path, suffix, data):
    """Either the file is refused, or it says the same: a space of JSON was hit, or the word "seal"."""
    path = write(tmp_path)[f"one.{suffix}"]
    good = path.read_bytes()
    expected = {key: str(value) for key, value in read(path).items()}
    bit = data.draw(st.integers(0, 8 * len(good) - 1))
    broken = bytearray(good)
    broken[bit // 8] ^= 1 << bit % 8
    path.write_bytes(broken)
    try:
        assert expected.items() <= {key: str(value) for key, value in read(path).items()}.items()
    except InputError as error:
        assert str(path) in str(error)


def test_a_score_edited_by_hand_under_its_old_date_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(Path())["one.json"]
    known = Path("known.json")
    assert damaged([Path("results")], known) == {}
    before = path.stat()
    path.write_text(path.read_text().replace("0.1", "0.9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns
    assert list(damaged([Path("results")], known)) == [path]
    assert list(damaged([Path("results")], known)) == [path]  # and remembered as bad
    delete(path)
    assert damaged([Path("results")], known) == {}


def test_what_was_found_good_is_not_read_again(tmp_path, monkeypatch):
    write(tmp_path)
    known = tmp_path / "known.json"
    damaged([tmp_path / "results"], known)
    monkeypatch.setattr("pedrank.store.verify._complaint", lambda path: "read")
    assert damaged([tmp_path / "results"], known) == {}
    known.write_text("{half")
    assert len(damaged([tmp_path / "results"], known)) == 8


@pytest.mark.parametrize("metadata", [[], {"seal": 3}, {"seal": ""}, {"seal": "é" * 70}], ids=str)
def test_a_seal_that_is_none_is_no_crash(tmp_path, metadata):
    path = write(tmp_path)["one.safetensors"]
    header = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    try:
        assert artefacts.read_arrays(path) == {}
    except InputError as error:
        assert "one.safetensors" in str(error)
    path.with_name("a.json").write_text(json.dumps({"seal": metadata}))
    assert "a.json" in names(tmp_path)
    table = tmp_path / "results/study/ground_truth/.one.csv.sha256"
    table.write_bytes(b"\xff\xfe")
    assert "one.csv" in names(tmp_path)


def test_files_that_nobody_sealed_are_taken(tmp_path):
    folder = tmp_path / "results/study"
    folder.mkdir(parents=True)
    save_file({"mean": np.ones(2), "std": np.ones(2)}, folder / "byol.safetensors")
    (folder / "own.csv").write_text("dataset,checkpoint,accuracy\ndigits,a,90\n")
    (folder / "own.json").write_text('{"score": 1}')
    assert names(tmp_path) == set()
    assert artefacts.read_json(folder / "own.json") == {"score": 1}
    assert len(artefacts.read_csv(folder / "own.csv")) == 1
    assert set(artefacts.read_arrays(folder / "byol.safetensors")) == {"mean", "std"}


def test_a_copy_elsewhere_is_still_checked_and_not_asked_where_it_lies(tmp_path):
    files = write(tmp_path)
    for suffix in ("safetensors", "json"):
        copy = shutil.copy(files[f"one.{suffix}"], tmp_path / f"copy.{suffix}")
        read(Path(copy))
    content = json.loads((tmp_path / "copy.json").read_text())
    (tmp_path / "copy.json").write_text(json.dumps(content | {"score": 0.2}))
    with pytest.raises(InputError, match="copy.json: not as it was written"):
        artefacts.read_json(tmp_path / "copy.json")


@pytest.mark.parametrize(
    "path, expected",
    [
        ("results/study/tables/.tmp-table1.csv", "study/tables/table1.csv"),
        ("/home/me/results/pedrank/results/data/digits/images-24.safetensors", "data/digits/images-24.safetensors"),
        ("somewhere/table1.csv", ""),
    ],
)
def test_a_place_is_what_stands_below_results(path, expected):
    assert place(path) == expected


def test_a_job_that_does_not_end_is_named_and_one_that_ends_is_waited_for(tmp_path):
    program = "import sys, time; time.sleep(float(sys.argv[1]))"
    for seconds, refused in ((1, False), (60, True)):
        job = subprocess.Popen(
            [sys.executable, "-c", program, str(seconds)], cwd=tmp_path, env=os.environ | {"PEDRANK_HEAD": "1"}
        )
        time.sleep(0.2)
        if refused:
            with pytest.raises(InputError, match=f"end them: kill -9 {job.pid}$"):
                wait_for_orphans(tmp_path, seconds=0.3)
        else:
            wait_for_orphans(tmp_path)
            assert job.poll() == 0 or job.wait(1) == 0
        job.kill()
        job.wait()


def verify(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts/verify.py"), *arguments]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_verify_names_what_is_damaged_and_deletes_it_when_told(tmp_path):
    files = write(tmp_path)
    files["one.csv"].write_text("checkpoint,accuracy\none,98.25\n")
    for arguments, code in (([], 1), (["--delete"], 0), ([], 0)):
        done = verify(tmp_path, *arguments)
        assert done.returncode == code
        assert ("ground_truth/one.csv: not as it was written" in done.stderr) == (code == 1 or arguments != [])
    assert not files["one.csv"].exists() and files["two.csv"].exists()


@pytest.mark.parametrize("arguments", [(), ("--config", "study.yaml"), ("--config", "study-backup.yaml")], ids=str)
def test_a_copy_of_a_study_is_never_deleted(tmp_path, arguments):
    """Neither its intact files nor those that have been edited, whatever study is resumed; the remedy says so."""
    files = write(tmp_path)
    backup = tmp_path / "results/study-backup"
    shutil.copytree(tmp_path / "results/study", backup)
    for study in ("study", "study-backup"):
        (tmp_path / f"{study}.yaml").write_text(f"study: {study}\n", encoding="utf-8")
    copy = backup / "scores/logme/none/digits/one.json"
    for path in (files["one.json"], copy):
        path.write_text(path.read_text(encoding="utf-8").replace("0.1", "0.9"), encoding="utf-8")
    before = {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()}
    done = verify(tmp_path, "--delete", *arguments)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()} == before
    assert files["one.json"].exists() == (arguments == ("--config", "study-backup.yaml"))
    assert files["two.json"].exists()
    if arguments != ("--config", "study.yaml"):
        assert "keep it outside results/" in done.stderr and "make resume" not in done.stderr.split("study-backup/")[1]


def test_only_the_named_study_is_searched(tmp_path):
    """Damage in another study is left to its own `make resume`; that of a profile is the one that its file names."""
    damage = write(tmp_path)["one.csv"]
    damage.write_text("checkpoint,accuracy\none,98.25\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("study: other\n", encoding="utf-8")
    for arguments in (("--config", "other.yaml"), ("--profile", "quickstart"), ("--profile", "default")):
        assert verify(tmp_path, "--delete", *arguments).returncode == 0
        assert damage.exists()
    assert "results/quickstart" in verify(tmp_path, "--profile", "quickstart").stdout
    assert "results/paper" in verify(tmp_path, "--profile", "default").stdout
    (tmp_path / "study.yaml").write_text("study: study\n", encoding="utf-8")
    assert f"deleted {damage.relative_to(tmp_path)}" in verify(tmp_path, "--delete", "--config", "study.yaml").stdout


@pytest.mark.parametrize("locale", [{"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C.UTF-8"}], ids=str)
def test_text_has_the_same_bytes_in_every_locale(tmp_path, locale):
    program = (
        "from pedrank.store import artefacts; artefacts.write_text('results/a.md', '\\u03c4'); "
        "artefacts.write_json('results/a.json', {'name': '\\u03c4'}); "
        "print(ascii(artefacts.read_json('results/a.json')))"
    )
    environment = os.environ | {"PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)} | locale
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert shown.stdout == b"{'name': '\\u03c4'}\n"
    assert (tmp_path / "results/a.md").read_bytes() == "τ".encode()
    assert names(tmp_path) == set()
