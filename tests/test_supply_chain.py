"""What is installed: pinned by hash, from no particular place, in step with pyproject.toml, its licences listed."""

import re

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from test_repository import PYPROJECT

from pedrank.utils.paths import ROOT

LOCKS = {"requirements.lock": ["workflow"], "requirements-dev.lock": ["workflow", "pretrain", "dev"]}
ENTRY = re.compile(r"([a-z0-9][a-z0-9._-]*)==([^ ;]+)(?: ; [^\n]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def entries(lock: str) -> list[tuple[str, Version]]:
    """Names and versions; the whole file must consist of them, each with hashes, or it names a place or an option."""
    text = "".join(line for line in (ROOT / lock).read_text().splitlines(True) if not line.startswith("#"))
    assert ENTRY.sub("", text) == ""
    return [(name, Version(version)) for name, version, _ in ENTRY.findall(text)]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_what_the_package_asks_for(lock):
    """If not: make lock."""
    pins: dict[str, list[Version]] = {}
    for name, version in entries(lock):
        pins.setdefault(name, []).append(version)
    project = PYPROJECT["project"]
    wanted = project["dependencies"] + [item for part in LOCKS[lock] for item in project["optional-dependencies"][part]]
    for requirement in map(Requirement, wanted):
        versions = pins.get(re.sub(r"[-_.]+", "-", requirement.name).lower(), [])
        assert versions, f"{requirement.name} is not in {lock}"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: {versions}"


def test_both_locks_name_the_same_versions():
    assert set(entries("requirements.lock")) <= set(entries("requirements-dev.lock"))


def test_every_distribution_has_its_licence_listed():
    """If not: make licences."""
    rows = re.findall(r"^\| (\S+) \| (.+) \| `make \w+` \|$", (ROOT / "docs/licences.md").read_text(), re.MULTILINE)
    assert {name for name, _ in rows} == {name for lock in LOCKS for name, _ in entries(lock)}
    assert all(licence.strip() for _, licence in rows)
