"""The repository itself: formatted, in step with itself, and free of what does not belong in it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from imports import imported
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pedrank.utils.paths import ROOT
from pedrank.utils.version import VERSION

BIN = Path(sys.executable).parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize(
    "tool",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("snakefmt", "--check", ".")],
    ids=" ".join,
)
def test_code_is_clean(tool):
    run = subprocess.run([BIN / tool[0], *tool[1:]], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def _requirements() -> dict[str, str]:
    project = PYPROJECT["project"]
    listed = [*project["dependencies"], *(item for part in project["optional-dependencies"].values() for item in part)]
    return {re.split(r"[<>=]", item)[0]: item for item in listed}


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "envs").glob("*.yaml")))
def test_environments_are_in_step_with_the_package(file):
    conda_names = {"matplotlib-base": "matplotlib", "pytorch": "torch"}
    requirements = _requirements() | {"python": f"python{PYPROJECT['project']['requires-python']}", "pip": "pip"}
    listed = yaml.safe_load((ROOT / "envs" / file).read_text())["dependencies"]
    flat = [item for entry in listed for item in (entry["pip"] if isinstance(entry, dict) else [entry])]
    for item in flat:
        name = re.split(r"[<>=]", item)[0]
        known = conda_names.get(name, name)
        assert item.replace(name, known, 1) == requirements[known]


def test_pixi_is_in_step_with_the_lock():
    """All direct dependencies of a study, in the versions of the lock."""
    pixi = tomllib.loads((ROOT / "pixi.toml").read_text())
    lock = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    project = PYPROJECT["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["workflow"]
    names = {re.split(r"[<>=]", item)[0] for item in wanted}
    pinned = {name: found for name, found in pixi["pypi-dependencies"].items() if name != "pedrank"}
    assert pinned == {name: f"=={version}" for name, version in lock if name in names}
    assert Version(pixi["dependencies"]["python"].removesuffix(".*")) in SpecifierSet(project["requires-python"])


def test_the_workflow_catalogue_gets_options_that_are_there():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] and usage["report"]
    assert usage["mandatory-flags"]["flags"] == "--workflow-profile quickstart"
    assert (ROOT / "profiles/quickstart/profile.yaml").is_file() and (ROOT / "envs/core.yaml").is_file()


def test_one_version():
    assert PYPROJECT["project"]["version"] == VERSION
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text()), "the version is in pyproject.toml"


def test_importing_the_package_is_light():
    assert imported("import pedrank", ("torch", "pandas", "sklearn", "matplotlib", "scipy.stats")) == []


def _tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name.decode() for name in listing.split(b"\0") if name]


def test_nothing_large_or_compiled_is_tracked():
    for path in _tracked():
        if path.exists():
            assert path.suffix not in {".pyc", ".so", ".pt", ".pth", ".pkl", ".npy"}, path
            assert path.stat().st_size < 2 * 2**20, f"{path} is over 2 MiB"


def test_every_script_says_what_it_does():
    for script in sorted((ROOT / "scripts").glob("*.py")):
        text = script.read_text()
        assert text.startswith('"""'), script
        assert len(text.splitlines()) < 75, f"{script} is no thin script"
