"""What the tests of the workflow share: a copy of the repository to edit, and Snakemake run in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from pedrank.digest import ROOT

BIN = Path(sys.executable).parent
PARTS = ["Snakefile", "config.yaml", "rules", "scripts", "schemas", "profiles", "studies", "report", "envs", "pedrank"]


def copy_repository(target: Path) -> Path:
    """The parts of the repository that a run needs, in `target`."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / part)
    return target


def command(*arguments: str) -> list[str]:
    return [str(BIN / "snakemake"), *arguments]


def environment(root: Path) -> dict[str, str]:
    """As an activated environment, with the package of the copy before the installed one."""
    return os.environ | {"PYTHONPATH": str(root), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def snakemake(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `root` and wait; standard output and error come as one text in stdout."""
    return subprocess.run(
        command(*arguments),
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def planned(output: str) -> Counter[str]:
    """Jobs by rule, as Snakemake's table "Job stats" counts them."""
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    if table is None:
        return Counter()
    return Counter({rule: int(count) for rule, count in (line.split() for line in table[1].splitlines())})
