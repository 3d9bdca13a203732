"""The commands of the documents are true: those of seconds are run in order, the others are parsed.

A fenced block `sh` is run, and so is `python`; `python FILE` becomes that file; what stands in `sh long` takes too long
or needs what is not here: there each command of pedrank is parsed, and each target of make is there.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pedrank.cli import command_line
from pedrank.utils.paths import ROOT

RUN = ("tutorial.md", "own-metric.md")  # in this order: the second ranks the first one's photos
BLOCK = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> list[tuple[str, str, str]]:
    """Language, what follows it, and content of each fenced block."""
    return [(language or "", more.strip(), content) for language, more, content in BLOCK.findall(path.read_text())]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """A folder like a fresh clone with its environment activated, and the environment variables of it."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "scripts").symlink_to(ROOT / "scripts")
    command = folder / "bin/pedrank"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pedrank "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IEXEC)
    path = os.pathsep.join([str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    return folder, os.environ | {"PATH": path, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}


@pytest.mark.parametrize("name", RUN)
def test_commands_of_seconds_run_as_written(newcomer, name):
    folder, environment = newcomer
    for language, more, content in blocks(ROOT / "docs" / name):
        if language == "python" and more:
            (folder / more).write_text(content)
        elif language == "python" or (language == "sh" and not more):
            program = ["bash", "-euc", content] if language == "sh" else [sys.executable, "-c", content]
            done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{content}\n{done.stdout}\n{done.stderr}"
    if name == "tutorial.md":
        report = folder / "pedrank-results/results/photos/report.html"
        assert "Fine-tune" in report.read_text() or "fine-tune" in report.read_text()


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _commands(path: Path) -> list[str]:
    """Every line of a fenced block of shell or of no language, without prompts and comments."""
    lines = [
        line.split(" #")[0].split("&&")[0].strip() for language, _, content in blocks(path) if language in ("", "sh")
        for line in content.replace("\\\n", " ").splitlines()
    ]  # fmt: skip
    return [line for line in lines if line]


def _targets() -> set[str]:
    return set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_of_pedrank_and_make_is_there(path):
    for command in _commands(path):
        words = shlex.split(command) if command.startswith(("pedrank ", "make ")) else []
        if words[:1] == ["pedrank"]:
            try:
                command_line().parse_args(words[1:])
            except SystemExit as ended:
                pytest.fail(f"{path.name}: {command}: exit code {ended.code}")
        for target in words[1:] if words[:1] == ["make"] else []:
            assert "=" in target or target in _targets(), f"{path.name}: make has no {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    for link in re.findall(r"\]\(([^)#\s]+)\)", path.read_text()):
        if "://" not in link:
            assert (path.parent / link).exists(), f"{path.name}: nothing at {link}"


def test_the_checks_of_this_file_see_something():
    assert sum(len(_commands(path)) for path in DOCUMENTS) > 20
    assert {"run", "long"} <= {
        "long" if more == "long" else "run"
        for language, more, _ in blocks(ROOT / "docs/tutorial.md")
        if language == "sh"
    }


def test_troubleshooting_names_lines_that_the_code_has():
    source = "".join(path.read_text() for path in sorted((ROOT / "pedrank").rglob("*.py")))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # a line that is written in two
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    assert len(rows) > 15
    for piece in (piece for row in rows for piece in re.findall("`([^`]+)`", row)):
        words = re.escape(piece).replace("…", ".{1,40}")
        assert re.search(words, source), f"no message has '{piece}'"
