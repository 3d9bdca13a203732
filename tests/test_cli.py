"""The command line: exit codes, what its answers equal, and one line that says what to do for each likely mistake."""

import errno
import json
import re
import socket
import subprocess
import sys
from importlib import metadata
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from imports import imported
from PIL import Image

from pedrank import ReferenceStatistics, metric_names, refine, score
from pedrank.catalogue.catalogue import catalogue, zoo
from pedrank.cli import COMMANDS, command_line, doctor_checks, main, rank_study, workflow
from pedrank.cli.rank_study import METRICS
from pedrank.observation.statistics import ClassStatistics
from pedrank.refinements.refinement_file import load_refinement
from pedrank.store.artefacts import read_arrays, read_json, write_arrays
from pedrank.utils.paths import ROOT


@pytest.fixture
def files(tmp_path):
    """features.npz and reference.npz, and what is in them."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = (random.normal(size=(3, 8))[labels] + random.normal(size=(60, 8))).astype(np.float32)
    reference = random.normal(size=(50, 8)).astype(np.float32)
    np.savez(tmp_path / "features.npz", features=features, labels=labels)
    np.savez(tmp_path / "reference.npz", features=reference)
    return SimpleNamespace(
        folder=tmp_path, features=features, labels=labels, reference=reference, path=str(tmp_path / "features.npz"),
        refined=["--refine", "0.6", "--reference", str(tmp_path / "reference.npz")],
    )  # fmt: skip


def _photos(folder, classes=("cat", "dog"), number=3):
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for image in range(number):
            pixels = np.random.default_rng(image).integers(0, 255, (20, 20, 3), np.uint8) // (place + 1)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{image}.jpg")
    return folder


def _refused(capsys, *arguments: object) -> str:
    """The one line on standard error of a command that ends with exit code 1."""
    assert main([str(argument) for argument in arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


# What is asked for


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: pedrank {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["rnak"], ["rank"], ["rank", "--images", "x", "--finetune", "some"]])
def test_a_wrong_command_line_ends_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: pedrank" in capsys.readouterr().err


def test_the_module_is_the_command():
    run = subprocess.run([sys.executable, "-m", "pedrank", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0 and run.stdout.startswith("pedrank 0.")


def test_help_is_quick():
    heavy = ("torch", "pandas", "sklearn", "matplotlib", "snakemake")
    assert imported("from pedrank.cli import command_line; command_line()", heavy) == []


# What it equals


def test_score_takes_options_of_the_metric(files, capsys):
    assert main(["score", files.path, "--metric", "knn", "--options", "k=3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == score("knn", files.features, files.labels, k=3)
    assert found["made_by"]["options"]["k"] == 3
    assert "unknown option 'kk'; did you mean 'k'?" in _refused(
        capsys, "score", files.path, "--metric", "knn", "--options", "kk=3"
    )
    assert "'3' is not NAME=VALUE" in _refused(capsys, "score", files.path, "--options", 3)


@pytest.mark.parametrize("metric", ["logme", "sfda", "gbc", "knn"])
def test_score_is_the_python_call_and_the_workflows(files, capsys, metric):
    assert main(["score", files.path, "--metric", metric, *files.refined]) == 0
    printed = float(capsys.readouterr().out)
    refinement = refine(files.features, files.labels, ReferenceStatistics.from_features(files.reference), lam=0.6)
    assert printed == score(metric, files.features, files.labels, refinement=refinement)
    assert printed == _by_scripts(files, metric)


def _by_scripts(files, metric: str) -> float:
    """As the rules do it: features, statistics and reference as files, scripts/ped.py, scripts/score.py."""
    folder = files.folder
    write_arrays(folder / "x.safetensors", {"features": files.features, "labels": files.labels}, {})
    statistics = vars(ClassStatistics.from_features(files.features, files.labels))
    write_arrays(folder / "x.statistics.safetensors", statistics, {})
    reference = ReferenceStatistics.from_features(files.reference)
    write_arrays(folder / "reference.safetensors", {"mean": reference.mean, "std": reference.std}, {})
    (folder / "study.yaml").write_text("ped: {lambdas: [0.6]}\n")
    study = ["--study", "study.yaml", "--displacements", "{refined}.safetensors"]
    for name, *options in (
        ["ped", "--statistics", "x.statistics.safetensors", "--reference", "reference.safetensors"]
        + ["--seconds", "{refined}.moved.json"],
        ["score", "--metrics", metric, "--features", "x.safetensors"]
        + ["--scores", "{refinement}.json", "--seconds", "{refinement}.seconds.json"],
    ):
        script = [sys.executable, str(ROOT / f"scripts/{name}.py"), *options, *study]
        run = subprocess.run(script, cwd=folder, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    return read_json(folder / "ped-0.6.json")["score"]


def test_score_as_json_says_what_made_it(files, capsys):
    assert main(["score", files.path, "--metric", "knn", "--json", *files.refined]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["n"], record["d"], record["c"]) == (60, 8, 3)
    assert record["made_by"]["options"]["refinement"]["lam"] == 0.6
    assert files.path in record["made_by"]["inputs"]


def test_without_a_reference_the_features_rescale_themselves_and_it_says_so(files, capsys):
    assert main(["score", files.path, "--refine", "0.6"]) == 0
    printed = capsys.readouterr()
    assert "without --reference, features are rescaled by their own statistics" in printed.err
    own = refine(files.features, files.labels, ReferenceStatistics.from_features(files.features), lam=0.6)
    assert float(printed.out) == score("logme", files.features, files.labels, refinement=own)


def test_a_broken_reference_is_one_line(files, capsys):
    whole = (files.folder / "reference.npz").read_bytes()
    broken = files.folder / "broken.npz"
    for content in (b"", b"PK\x03\x04", b"no arrays", whole[: len(whole) // 2], whole[:200] + b"\0" * 50 + whole[250:]):
        broken.write_bytes(content)
        said = _refused(capsys, "score", files.path, "--refine", 0.6, "--reference", broken)
        assert said.startswith(f"error: {broken}: cannot be read") and "unsafely" not in said
    gone = files.folder / "gone.npz"
    assert "gone.npz: no such file; correct --reference" in _refused(
        capsys, "score", files.path, "--refine", 0.6, "--reference", gone
    )


def test_refine_writes_features_or_where_classes_go(files, capsys):
    expected = refine(files.features, files.labels, ReferenceStatistics.from_features(files.reference), lam=0.6)
    rows = expected.apply(files.features, files.labels)
    for name in ("refined.npz", "refined.safetensors"):
        assert main(["refine", files.path, *files.refined, "--out", str(files.folder / name)]) == 0
    with np.load(files.folder / "refined.npz") as found:
        assert np.array_equal(found["features"], rows) and np.array_equal(found["labels"], files.labels)
    assert np.array_equal(read_arrays(files.folder / "refined.safetensors")["features"], rows)
    moved = files.folder / "moved.safetensors"
    assert main(["refine", files.path, *files.refined, "--displacement", "--out", str(moved)]) == 0
    assert np.array_equal(load_refinement(moved).displacement, expected.displacement)
    assert "must end with .safetensors" in _refused(capsys, "refine", files.path, "--refine", 1, "--out", "x.txt")


def test_lists(capsys, tmp_path):
    assert main(["metrics"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in metric_names())
    assert main(["metrics", "--json"]) == 0
    metrics = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert all(row["time"].startswith("O(") and row["time"].endswith(")") and row["paper"] for row in metrics.values())
    assert metrics["knn"]["time"] == "O(N^2 D)"
    assert (metrics["lead"]["paper"], metrics["itm"]["paper"]) == (
        "Hu et al. 2024, LEAD, CVPR",
        "Zheng et al. 2025, ITM, NeurIPS",
    )
    assert main(["zoo", "--json", "--out", str(tmp_path)]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed.keys() == catalogue("checkpoints").keys()
    assert listed["byol-tiny"]["here"] and not listed["byol"]["here"]
    assert "unknown zoo 'tin'; choose from" in _refused(capsys, "zoo", "--zoo", "tin")


def test_what_a_command_line_asks_for(here, monkeypatch):
    runs = count()

    def _study(*words: str) -> dict:
        """What `pedrank rank` would run in a process and a folder of its own, since catalogues are read once."""
        monkeypatch.delenv("PEDRANK_CATALOGUE", raising=False)
        out = ["--out", f"out{next(runs)}"]
        return rank_study.collect(command_line().parse_args(["rank", "--images", "photos", *out, *words]))

    _photos(here / "photos")
    _photos(here / "others", classes=["only"])
    pair = ("--checkpoints", "byol-tiny", "moco-tiny")
    plain = _study(*pair)
    assert (plain["image_size"], plain["together"], plain["ped"]) == (32, True, {"lambdas": []})
    assert (plain["metrics"], plain["baselines"]) == (["logme"], ["sfda", "gbc", "knn"])
    assert plain["features"]["splits"] == ["train", "validation"]  # test images stay unseen
    refined = _study(*pair, "--refine", "0.6", "--metric", "gbc")
    assert refined["ranking"] == {"by": "metric", "metric": "gbc", "refinement": "ped-0.6"}
    # Whoever asks for one score gets the order by this score; otherwise prior and features rank together.
    assert plain["ranking"] == {"by": "combination", "metric": "logme", "refinement": "none"}
    assert _study(*pair, "--metric", "knn", "gbc")["ranking"]["by"] == "metric"
    assert (refined["reference"], refined["baselines"]) == ({"source": "shipped"}, [])
    others = _study(*pair, "--refine", "0.6", "--reference", "others")
    assert others["reference"]["source"] == "reference-others"
    assert others["ranking"] == {"by": "metric", "metric": "logme", "refinement": "ped-0.6"}
    assert others["catalogue"]["datasets"]["reference-others"]["metric"] == "none"
    large = _study("--checkpoints", "byol-tiny", "swav", "--refine", "0.6")
    assert (large["image_size"], large["together"], large["reference"]) == (224, False, {"source": "self"})
    confirmed = rank_study.confirming(plain, ["moco-tiny"], 7)
    assert confirmed["ground_truth"] == {"source": "none", "confirm": ["moco-tiny"], "keep": True}
    assert (confirmed["finetune"]["steps"], rank_study.confirming(large, ["swav"], None)["finetune"]["steps"]) == (
        7,
        500,
    )


def test_zoos_are_the_catalogues_and_timm():
    parsed = command_line().parse_args(["rank", "--images", "digits", "--zoo", "timm", "--out", "/dev/null"])
    assert {catalogue("checkpoints")[name]["architecture"].split("/")[0] for name in zoo(parsed.zoo)} == {"timm"}
    assert len(zoo("ssl")) == 12


# Likely mistakes


def _rank(*arguments: object) -> list[object]:
    return ["rank", "--out", "out", "--zoo", "tiny", *arguments]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PEDRANK_CATALOGUE", raising=False)
    return tmp_path


def test_a_wrong_folder(here, capsys):
    assert "photoz is no file, folder or known dataset; give a folder" in _refused(capsys, *_rank("--images", "photoz"))


def test_one_class(here, capsys):
    _photos(here / "photos", classes=["cat"])
    assert "class" in _refused(capsys, *_rank("--images", "photos"))


def test_no_images(here, capsys):
    (here / "photos/cat").mkdir(parents=True)
    (here / "photos/cat/readme.txt").write_text("none")
    assert "photos" in _refused(capsys, *_rank("--images", "photos"))


def test_an_image_that_cannot_be_read_ends_the_run_with_its_name(here, capsys):
    _photos(here / "photos", number=6)
    (here / "photos/cat/3.jpg").write_bytes(b"not an image")
    names = ("--checkpoints", "byol-tiny", "moco-tiny")
    said = _refused(capsys, "rank", "--images", "photos", "--out", "out", *names)
    assert "3.jpg" in said and f"(log: {here}/out/pedrank.log)" in said


def test_a_misspelt_checkpoint(here, capsys):
    _photos(here / "photos")
    said = _refused(capsys, "rank", "--images", "photos", "--checkpoints", "byol-tni", "moco-tiny")
    assert "unknown checkpoint 'byol-tni'; did you mean 'byol-tiny'?" in said


def test_features_have_no_images_and_no_networks(here, capsys):
    for name in "ab":
        np.savez(here / f"{name}.npz", features=np.eye(4, dtype=np.float32), labels=np.arange(4) % 2)
    for option in (
        ("--finetune", "top1"),
        ("--zoo", "tiny"),
        ("--checkpoints", "byol"),
        ("--max-params", "9M"),
        ("--random",),
        ("--skip-broken",),
    ):
        said = _refused(capsys, "rank", "--images", ".", *option)
        assert f"{option[0]}: . has features and no images; leave out {option[0]}, or give images" in said


def test_steps_without_fine_tuning(here, capsys):
    _photos(here / "photos")
    assert "add --finetune or --budget, or leave out --steps" in _refused(
        capsys, *_rank("--images", "photos", "--steps", "5")
    )


def test_a_misspelt_metric(here, capsys):
    _photos(here / "photos")
    assert "did you mean 'logme'?" in _refused(capsys, *_rank("--images", "photos", "--metric", "logmee"))


def test_labels_missing(here, capsys):
    np.save(here / "x.npy", np.zeros((4, 2), np.float32))
    assert "labels.npy" in _refused(capsys, "score", "x.npy")
    np.savez(here / "x.npz", features=np.zeros((4, 2), np.float32))
    assert "no array 'labels'" in _refused(capsys, "score", "x.npz")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space(files, capsys, monkeypatch, number):
    def full(*_, **__):
        raise OSError(number, "No space left on device", "x.safetensors")

    monkeypatch.setattr("pedrank.store.artefacts.write_arrays", full)
    said = _refused(capsys, "refine", files.path, *files.refined, "--out", files.folder / "x.safetensors")
    assert "x.safetensors: No space left on device; free some space" in said


def test_an_old_python():
    program = "import sys; sys.version_info = (3, 10, 4, 'final', 0); import pedrank"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 1
    assert run.stderr.startswith("error: Python 3.11 or newer is needed") and run.stderr.count("\n") == 1
    assert doctor_checks.python((3, 10, 4)).state == "problem"


def test_no_gpu_is_a_note_and_runs_on_the_cpu(capsys, monkeypatch):
    from pedrank.cli import rank

    monkeypatch.setattr("pedrank.utils.machine.has_gpu", lambda: False)
    nothing_own, features = {"datasets": {}}, {"datasets": {"mine": {"features": "folder"}}}
    for together, own in ((True, nothing_own), (False, features)):
        rank._note_device({"together": together, "catalogue": own})
        assert capsys.readouterr().err == ""
    rank._note_device({"together": False, "catalogue": nothing_own})
    assert "no GPU here, so networks run on the CPU" in capsys.readouterr().err


def test_no_network(monkeypatch):
    def unreachable(*_):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    (said,) = doctor_checks.network(doctor_checks.hosts())
    assert said.state == "warning"
    assert "no connection to dl.fbaipublicfiles.com" in said.text and "by hand" in said.text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["rank", "--images", "photos"], "no checkpoints given; add --zoo tiny"),
        (["rank", "--images", "photos", "--checkpoints", "byol-tiny"], "'byol-tiny' alone cannot be ranked"),
        (_rank("--images", "photos", "--checkpoints", "byol-tiny"), "the name 'byol-tiny' occurs twice"),
        (_rank("--images", "photos", "--reference", "photos"), "add --refine LAMBDA"),
        (_rank("--images", "photos", "--plugin", "mine.py"), "mine.py: no such Python file"),
        (_rank("--images", "photos", "--profile", "slrum", "--dry-run"), "no folder .*; choose from default"),
        (
            ["rank", "--images", "photos", "--zoo", "tiny", "--out", "photos/cat/0.jpg"],
            "cannot be written; give another folder",
        ),
    ],
)
def test_options_that_do_not_go_together(here, capsys, arguments, message):
    _photos(here / "photos")
    said = _refused(capsys, *arguments)
    assert re.search(message, said), said


def test_the_first_error_of_a_workflow_is_its_reason():
    output = "\n".join(["Error in rule x:", "    error: a.jpg: broken; take it out", "error: b.jpg: broken", "Exiting"])
    assert workflow.reason(output) == "a.jpg: broken; take it out (and 1 other error)"
    assert workflow.reason("WorkflowError in file rules/common.smk, line 3:\nconfig: unknown\n") == "config: unknown"
    assert workflow.reason("") == "the workflow failed"


# The doctor


def test_the_doctor_finds_this_machine_fit(capsys, tmp_path):
    assert main(["doctor", "--offline", "--out", str(tmp_path / "new/folder")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 7 and all(line.split()[0] in ("ok", "warning") for line in lines)


def test_the_doctor_names_a_remedy(tmp_path):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    found = next(iter(doctor_checks.packages(("numpy", "torch"), version)))
    assert found == ("problem", f"numpy, torch: not installed; run pip install -e '.[workflow]' in {ROOT}")
    assert doctor_checks.repository(tmp_path).state == "problem"
    assert doctor_checks.disk(tmp_path, lambda _: SimpleNamespace(free=1e9)).state == "warning"
    (tmp_path / "file").write_text("")
    assert doctor_checks.folder(tmp_path / "file").state == "problem"


def test_the_default_metrics_are_known():
    assert set(METRICS) <= set(metric_names())
