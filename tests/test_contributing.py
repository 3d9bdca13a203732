"""The recipes of CONTRIBUTING.md, followed as written: their files are put into a copy of the repository and run there.

A fenced block whose info string names a path is the content of that file; for a file that is there already, it is
appended, and a row of a Markdown table goes below the table's last row.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from workflow import BIN, copy_repository, environment, planned, snakemake, write_study

from pedrank.checkpoints.convert import convert
from pedrank.checkpoints.network_file import load_network
from pedrank.fetch.download import download
from pedrank.networks.build import build
from pedrank.store.artefacts import write_csv
from pedrank.study.names import fill
from pedrank.utils.paths import PACKAGE, ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = {
    title: dict(BLOCK.findall(part))
    for title, part in re.findall(r"^## (Add a \w+)\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
}


def follow(recipe: str, root: Path) -> Path:
    """A copy of the repository in `root` with the files of a recipe."""
    copy_repository(root)
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(ROOT / "docs", root / "docs")
    shutil.copytree(ROOT / "tests", root / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in RECIPES[recipe].items():
        path = root / name
        if not path.exists():
            path.write_text(content)
        elif path.suffix == ".md":
            rows = list(re.finditer(r"^\|.*\n(?!\|)", path.read_text(), re.MULTILINE))
            text, end = path.read_text(), rows[0].end()
            path.write_text(text[:end] + content + text[end:])
        else:
            path.write_text(f"{path.read_text().rstrip()}\n\n\n{content}")
    return root


def python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *arguments], cwd=root, env=environment(root), capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


def run_tests(root: Path, *names: str) -> None:
    python(root, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *names)


def is_formatted(root: Path, recipe: str) -> None:
    """The recipe's files pass the formatters and linters."""
    files = [name for name in RECIPES[recipe] if name.endswith(".py")]
    commands = [["ruff", "check", *files], ["ruff", "format", "--check", *files]] if files else []
    commands += [["snakefmt", "--check", name] for name in RECIPES[recipe] if name.endswith(".smk")]
    for command in commands:
        done = subprocess.run([BIN / command[0], *command[1:]], cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_recipe_is_tried_and_takes_no_more_files_than_it_says():
    number = {"One file": 1, "Three files": 3}
    assert set(RECIPES) == {"Add a metric", "Add a dataset", "Add a checkpoint", "Add a figure"}
    for title, files in RECIPES.items():
        announced = re.search(rf"^## {title}\n\n(One file|Three files)", TEXT, re.MULTILINE)
        assert announced and len(files) == number[announced[1]], title


def test_every_link_and_path_is_there():
    prose = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)\)", prose)
    paths = re.findall(r"`((?:pedrank|scripts|tests|docs|schemas|rules|report)/[\w./-]*)`", prose)
    assert len(links) > 3 and len(paths) > 10
    for path in {*links, *paths}:
        assert (ROOT / path).exists(), path


def imported(path: Path) -> set[str]:
    """The folders of pedrank/ that a module imports from, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("pedrank.")}
    return {name for name in found if (PACKAGE / name).is_dir()}


def test_imports_run_downward():
    listed = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)[1].strip().splitlines()
    layer = {name.strip(): number for number, line in enumerate(listed) for name in line.split(",")}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(layer) - {"scripts"}
    for path in sorted(PACKAGE.glob("*/**/*.py")):
        own = path.relative_to(PACKAGE).parts[0]
        upward = {name for name in imported(path) - {own} if layer[name] <= layer[own]}
        assert not upward, f"{path} imports from {', '.join(sorted(upward))}, which is not below {own}"


def test_names_coincide_only_where_they_may():
    rows = re.findall(r"^ +\| (`.*?) \|", TEXT, re.MULTILINE)
    allowed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    stems = Counter(path.stem for path in PACKAGE.rglob("*.py"))
    folders = {path.parent.name for path in PACKAGE.rglob("__init__.py")} - {"pedrank", "tables", "figures"}
    assert {name for name, count in stems.items() if count > 1 or name in folders} == allowed


def test_a_metric(tmp_path):
    root = follow("Add a metric", tmp_path)
    is_formatted(root, "Add a metric")
    run_tests(
        root,
        "tests/test_class_separation.py",
        "tests/test_metrics_registry.py::test_every_metric_is_there_and_says_what_it_is",
    )
    program = (
        "import numpy as np, pedrank, pedrank.testing\n"
        "from pedrank.metrics import get_metric\n"
        "labels = np.repeat(np.arange(2), 20)\n"
        "features = np.random.default_rng(0).normal(size=(2, 4))[labels] * 9 + np.arange(40)[:, None] / 99\n"
        "pedrank.testing.check_metric(get_metric('class_separation').function)\n"
        "assert pedrank.__file__.startswith(%r)\n"
        "print(pedrank.score('class_separation', features, labels))"
    )
    assert 0.9 < float(python(root, "-c", program % str(root)).stdout) <= 1
    assert "class_separation" in python(root, "-m", "pedrank", "metrics").stdout
    parts = (root / "docs/metrics.md").read_text().split("\n\n")
    assert any("`logme`" in part and part.endswith("Kornblith et al. 2021 |") for part in parts)


def test_a_dataset(tmp_path):
    root = follow("Add a dataset", tmp_path)
    is_formatted(root, "Add a dataset")
    run_tests(
        root,
        "tests/test_leaves.py",
        "tests/test_catalogue.py::test_every_shipped_entry_follows_its_schema",
        "tests/test_catalogue.py::test_files_have_one_name_each",
    )


def test_a_checkpoint(tmp_path, monkeypatch):
    import torch

    ((name, content),) = RECIPES["Add a checkpoint"].items()
    (tmp_path / name).write_text(content)
    monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / name))
    torch.manual_seed(0)
    network = build("resnet50").eval()
    weights = {f"backbone.{key}": value for key, value in network.state_dict().items()}
    weights |= {"backbone.fc.weight": torch.zeros(10, 2048), "head.bias": torch.zeros(3)}
    torch.save({"state_dict": weights, "epoch": 800}, tmp_path / "my-resnet.pth")
    download("my-resnet.pth", tmp_path)  # nothing is fetched: the file is there
    convert("my-resnet", tmp_path, tmp_path / "out.safetensors")
    found, normalisation = load_network(tmp_path / "out.safetensors")
    assert normalisation["mean"] == [0.485, 0.456, 0.406]
    for key, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[key], value), key


def test_a_checkpoint_in_a_study(tmp_path):
    root = copy_repository(tmp_path)
    ((name, content),) = RECIPES["Add a checkpoint"].items()
    (root / name).write_text(content)
    checkpoints = ["my-resnet", "byol-tiny", "moco-tiny"]
    write_study(root, catalogue=name, checkpoints=checkpoints, reference={"source": "self"})
    jobs = snakemake(root, "-n", "--configfile", "small.yaml", "--", "results/checkpoints/my-resnet.safetensors")
    assert jobs.returncode == 0, jobs.stdout
    assert planned(jobs.stdout) == {"checkpoint": 1, "download": 1}


@pytest.fixture(scope="module")
def with_figure(tmp_path_factory):
    return follow("Add a figure", tmp_path_factory.mktemp("figure"))


def test_a_figure_is_drawn(with_figure, tmp_path):
    is_formatted(with_figure, "Add a figure")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"study": "s", "datasets": ["a", "b"]}))
    for dataset, accuracies in (("a", [90.0, 80.0, 70.0]), ("b", [60.0, 60.0, 30.0])):
        table = pd.DataFrame({"dataset": dataset, "checkpoint": ["x", "y", "z"], "accuracy": accuracies})
        write_csv(tmp_path / f"{dataset}.csv", table)
    out = tmp_path / "{figure}.{ext}"
    python(
        with_figure,
        *("scripts/figure.py", "headroom", "--ground-truth", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")),
        *("--study", str(tmp_path / "study.yaml"), "--out", str(out)),
    )
    numbers = pd.read_csv(fill(str(out), {"figure": "headroom", "ext": "csv"}))
    assert np.allclose(numbers["headroom"], [10, 10])
    assert (tmp_path / "headroom.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "headroom.pdf").exists()


def test_a_figure_is_planned_and_explained(with_figure):
    target = "results/quickstart/figures/headroom.png"
    jobs = snakemake(with_figure, "-n", "--workflow-profile", "quickstart", "--", target)
    assert jobs.returncode == 0, jobs.stdout
    counts = planned(jobs.stdout)
    assert counts["headroom"] == 1 and counts["ground_truth"] >= 1
    assert "figure4" not in counts
    run_tests(with_figure, "tests/test_captions.py", "-k", "headroom")


def test_hooks_are_local_and_their_tools_are_installed():
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            assert (BIN / hook["entry"].split()[0]).exists(), hook["id"]


def test_issue_templates_are_forms():
    forms = [path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
    assert len(forms) == 3
    for path in forms:
        form = yaml.safe_load(path.read_text())
        assert {"name", "description", "body"} <= set(form), path
        ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 3, path
        assert all(part["attributes"].get("label") for part in form["body"] if part["type"] != "markdown"), path
