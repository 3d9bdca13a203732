"""`pedrank study`: a folder that its owner edits, whose Snakefile uses the packaged workflow as a module."""

import os
import subprocess
import sys

import pytest
import yaml
from workflow import RUN, SMALL, copy_repository, planned, snakemake, write_study

from pedrank.cli import main
from pedrank.cli.study_folder import STARTS
from pedrank.formats.yaml_file import read_yaml
from pedrank.study.config import read_config
from pedrank.utils.paths import ROOT

TARGET = "results/small/scores/digits.csv"


def _run(folder, *options, action="run"):
    """`pedrank study run`, from elsewhere."""
    return subprocess.run(
        [sys.executable, "-m", "pedrank", "study", action, str(folder), *(["--", *options] if options else [])],
        cwd=folder.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("start", STARTS)
def test_a_folder_has_the_study_that_it_starts_with(start, tmp_path, capsys):
    assert main(["study", "init", str(tmp_path / "s"), "--from", start]) == 0
    assert "pedrank study run" in capsys.readouterr().out
    mine = read_config(ROOT, tmp_path / "s/config.yaml")
    assert mine.pop("catalogue") == "catalogue.yaml"
    assert mine == read_config(ROOT, ROOT / STARTS[start][0])
    profile = read_yaml(ROOT / f"profiles/{STARTS[start][1]}/profile.yaml")
    assert read_yaml(tmp_path / "s/profiles/default/profile.yaml") == {
        key: value for key, value in profile.items() if key != "configfile"
    }
    assert f"results/{mine['study']}/report.html" in (tmp_path / "s/README.md").read_text()


def test_the_same_jobs_and_numbers_as_in_a_checkout(tmp_path):
    folder, root = tmp_path / "mine", copy_repository(tmp_path / "checkout")
    assert main(["study", "init", str(folder)]) == 0
    everything = planned(_run(folder, "-n").stdout)
    assert everything == planned(snakemake(root, "-n", "--cores", "2", "--workflow-profile", "quickstart").stdout)
    assert everything["finetune"] == 3
    small = {key: value for key, value in SMALL.items() if key != "finetune"}
    small |= {"ground_truth": {"source": "none"}, "ranking": {"metric": "logme"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(small | {"catalogue": "catalogue.yaml"}))
    write_study(root, **{key: small[key] for key in ("ground_truth", "ranking")})
    done = _run(folder, TARGET, "--cores", "2")
    assert done.returncode == 0, done.stdout
    assert (folder / "results/small/.made-with.json").is_file()  # noted by what runs before the first job
    ours = snakemake(root, TARGET, *RUN)
    assert ours.returncode == 0, ours.stdout
    assert (folder / TARGET).read_bytes() == (root / TARGET).read_bytes()
    plain = snakemake(folder, TARGET, "--cores", "2", env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert plain.returncode == 0 and "Nothing to be done" in plain.stdout
    before = (folder / TARGET).read_bytes()
    (folder / TARGET).write_text("damaged")
    named = _run(folder, "results/small/ranking/digits.json", "--cores", "2")
    assert named.returncode == 1 and "let `pedrank study resume .` do both" in named.stdout
    mended = _run(folder, TARGET, "--cores", "2", action="resume")
    assert mended.returncode == 0 and f"deleted {TARGET}" in mended.stdout, mended.stdout
    assert (folder / TARGET).read_bytes() == before


def test_downloads_are_listed_without_a_clone(tmp_path):
    main(["study", "init", str(tmp_path / "mine"), "--from", "paper"])
    listed = _run(tmp_path / "mine", action="fetch-list")
    assert listed.returncode == 0 and "food-101.tar.gz" in listed.stdout, listed.stdout


def test_mistakes_end_in_one_line(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    assert main(["study", "init", str(tmp_path / "mine")]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}/mine: not empty; give a new folder\n"
    assert main(["study", "init", str(tmp_path / "mine/notes.txt")]) == 1
    assert "File exists; give another folder" in capsys.readouterr().err
    assert main(["study", "run", str(tmp_path / "mine")]) == 1
    assert f"pedrank study init {tmp_path}/mine" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    main(["study", "init", str(tmp_path / "new")])
    with open(tmp_path / "new/config.yaml", "a", encoding="utf-8") as file:
        file.write("datsets: [digits]\n")
    refused = _run(tmp_path / "new", "-n")
    assert refused.returncode == 1 and "datsets" in refused.stdout and "Traceback" not in refused.stdout
