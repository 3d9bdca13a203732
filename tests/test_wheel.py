"""The wheel alone: built from the sdist, installed outside the checkout, read-only, and run by another user."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from untar import untar
from workflow import PARTS

from pedrank.store.digest import code_digest
from pedrank.utils.paths import PACKAGE, ROOT
from pedrank.utils.version import VERSION

pytestmark = pytest.mark.slow
DIGESTED = ("scripts/score.py", "pedrank/metrics/logme.py", "pedrank/report/pages/templates/page.css")
BASE = ("numpy", "scipy", "pandas", "threadpoolctl", "yaml", "dateutil", "six", "pytz", "tzdata")
RANK = ("--checkpoints", "byol-tiny", "moco-tiny", "simclr-tiny", "--metric", "logme", "knn", "--cores", "2")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built as `make dist` builds it: from an unpacked sdist."""
    folder = tmp_path_factory.mktemp("dist")
    _build(ROOT, "sdist", folder)
    untar(next(folder.glob("*.tar.gz")), folder)
    _build(folder / f"pedrank-{VERSION}", "wheel", folder)
    return next(folder.glob("*.whl"))


def _build(source, target, folder):
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder], cwd=source, check=True)


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """An environment with the wheel and its dependencies, without any extra; returns its Python."""
    python = _environment(wheel, tmp_path_factory.mktemp("bare"))
    for name in BASE:
        found = importlib.util.find_spec(name)
        for file in (Path(found.origin), *Path(sysconfig.get_path("purelib")).glob(f"{name}.libs")) if found else ():
            source = file.parent if file.name == "__init__.py" else file
            (_packages(python) / source.name).symlink_to(source)
    return python


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel, that finds all other packages among those of the tests, and is read-only."""
    python = _environment(wheel, tmp_path_factory.mktemp("installed"))
    (_packages(python) / "others.pth").write_text(sysconfig.get_path("purelib"))
    for folder, _, files in os.walk(python.parents[1]):
        for path in [folder, *(os.path.join(folder, file) for file in files)]:
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & ~0o222)
    return python


def _environment(wheel, folder):
    python = folder / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # there, pip would find it
    subprocess.run([*pip, str(wheel)], check=True, env=outside, cwd=folder)
    return python


def _packages(python):
    return next(python.parents[1].glob("lib/python*/site-packages"))


def _run(python, *arguments, cwd, as_user=()):
    """Python in `cwd`, which knows nothing of this checkout."""
    return subprocess.run(
        [*as_user, str(python), *map(str, arguments)],
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def nobody(installed):
    """A command that runs another one as a user who cannot write the installation, where root runs the tests.

    The user may read everything, since Python itself may lie in root's home.
    """
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return ()
    rights = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *rights)
    works = _run(installed, "-c", "import pedrank, numpy", cwd="/", as_user=command).returncode == 0
    return command if works else ()


@pytest.fixture
def folder(nobody):
    """A working directory of that user. Pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        if nobody:
            os.chown(folder, 65534, 65534)
        yield Path(folder)


def _listing(folder):
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def _answer(folder):
    """What `pedrank rank` found, without times."""
    found = json.loads((folder / "pedrank-results/results/photos/ranking/photos.json").read_text())
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in found["checkpoints"]]
    scores = {
        path.name: json.loads(path.read_text())["score"]
        for path in (folder / "pedrank-results/results/photos/scores").rglob("*.json")
        if not path.name.endswith(".seconds.json")
    }
    return rows, scores, (folder / "pedrank-results/results/photos/.made-with.json").read_text()


def test_the_wheel_has_every_file_of_the_workflow_and_the_package(bare):
    def files(root, parts):
        found = (each for part in parts for each in (root / part, *(root / part).rglob("*")))
        return {str(path.relative_to(root)) for path in found if path.is_file() and "__pycache__" not in path.parts}

    package = _packages(bare) / "pedrank"
    workflow = [part for part in PARTS if part != "pedrank"]
    assert files(package / "workflow_files", ["."]) == files(ROOT, workflow)
    inside = files(package, ["."])
    assert {file for file in inside if not file.startswith("workflow_files/")} == files(PACKAGE, ["."])
    assert all(os.access(package / "workflow_files/profiles/kubernetes" / name, os.X_OK) for name in ["cancel.sh"])


def test_without_the_other_packages_one_line_names_the_extra(bare, tmp_path):
    for command in (["rank", "--images", "digits", "--zoo", "tiny"], ["doctor", "--offline"]):
        run = _run(bare, "-m", "pedrank", *command, cwd=tmp_path)
        assert run.returncode == 1 and "Traceback" not in run.stderr, run.stderr
        assert "run pip install 'pedrank[workflow]'" in run.stdout + run.stderr
    assert _run(bare, "-m", "pedrank", "--version", cwd=tmp_path).stdout == f"pedrank {VERSION}\n"


def test_without_the_other_packages_features_are_ranked(bare, tmp_path):
    """And `pedrank zoo` lists the catalogue. Images need the workflow, and say so."""
    program = (
        "import numpy as np, pedrank; y = np.arange(60) % 3; Z = np.random.default_rng(0).normal(size=(60, 4));"
        "found = pedrank.rank({'far': Z + 3 * np.eye(3, 4)[y], 'near': Z}, y); found.save('a.csv');"
        "assert '<td>far</td>' in found._repr_html_(); print(found.picks); pedrank.rank(images='photos', zoo='tiny')"
    )
    run = _run(bare, "-c", program, cwd=tmp_path)
    assert run.stdout == "['far']\n" and (tmp_path / "a.csv").is_file(), run.stderr
    assert run.stderr.endswith("snakemake is not installed; run pip install 'pedrank[workflow]'\n")
    assert "byol-tiny" in _run(bare, "-m", "pedrank", "zoo", cwd=tmp_path).stdout


def test_digests_do_not_depend_on_the_place(installed, tmp_path):
    program = f"from pedrank.store.digest import code_digest; print(code_digest(*{DIGESTED}))"
    assert _run(installed, "-c", program, cwd=tmp_path).stdout.strip() == code_digest(*DIGESTED)


def test_a_script_finds_the_package_and_none_of_its_neighbours(bare, tmp_path):
    """As under conda, whose Python has its own packages."""
    packages = _packages(bare)
    (packages / "neighbour.py").write_text("")
    script = tmp_path / "script.py"
    script.write_text(
        "import importlib.util\nimport pedrank.utils.version as version\n"
        "print(version.__file__, version.VERSION, importlib.util.find_spec('neighbour'))\n"
    )
    run = _run(sys.executable, "-S", "-E", packages / "pedrank/runtime/launch.py", script, cwd=tmp_path)
    assert run.stdout == f"{packages}/pedrank/utils/version.py {VERSION} None\n", run.stderr
    (packages / "neighbour.py").unlink()


def test_a_ranking_equals_that_of_the_checkout(installed, nobody, folder, tmp_path):
    """Another user ranks with a read-only installation; nothing in it changes, and nothing of the checkout is used."""
    before = _listing(_packages(installed))
    export = _packages(installed) / "pedrank/workflow_files/scripts/export_images.py"
    digits = ("--dataset", "digits", "--limit", "20", "--out", "photos")
    made = _run(installed, export, *digits, cwd=folder, as_user=nobody)
    assert made.returncode == 0, made.stderr
    run = _run(installed, "-m", "pedrank", "rank", "--images", "photos", *RANK, cwd=folder, as_user=nobody)
    assert run.returncode == 0, run.stderr
    assert _listing(_packages(installed)) == before
    assert (folder / "pedrank-results/.snakemake").is_dir() and not (folder / ".snakemake").exists()
    log = (folder / "pedrank-results/pedrank.log").read_text()
    assert str(ROOT) not in log.replace(sys.prefix, "")  # `make` puts the tests' environment into the checkout
    shutil.copytree(folder / "photos", tmp_path / "photos")
    ours = subprocess.run(
        [sys.executable, "-m", "pedrank", "rank", "--images", "photos", *RANK],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ours.returncode == 0, ours.stderr
    (rows, scores, made_with), (our_rows, our_scores, our_made_with) = _answer(folder), _answer(tmp_path)
    assert rows == our_rows and scores == our_scores and len(scores) > 2
    assert json.loads(made_with)["made_by"]["code"] == json.loads(our_made_with)["made_by"]["code"]
    again = _run(installed, "-m", "pedrank", "rank", "--images", "photos", *RANK, "--dry-run", cwd=folder)
    assert "Nothing to be done" in again.stdout, again.stdout
