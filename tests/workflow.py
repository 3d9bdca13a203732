"""What the tests of the workflow share: a copy of the repository to edit, and Snakemake run in it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from pedrank.utils.paths import ROOT

BIN = Path(sys.executable).parent
PARTS = ["Snakefile", "config.yaml", "rules", "scripts", "schemas", "profiles", "studies", "report", "envs", "pedrank"]

# A study of seconds.
SMALL = {
    "study": "small",
    "datasets": ["digits", "mnist"],
    "checkpoints": ["byol-tiny", "moco-tiny", "simclr-tiny"],
    "image_size": 32,
    "together": True,
    "reference": {"source": "shipped"},
    "features": {"splits": ["train"]},
    "ground_truth": {"source": "finetune"},
    "finetune": {
        "learning_rates": [0.1, 0.01],
        "weight_decays": [1e-4],
        "seeds": 2,
        "steps": 3,
        "batch_size": 32,
        "augmentation": "none",
    },
    "metrics": ["logme", "gbc"],
    "baselines": ["knn"],
    "ped": {"lambdas": [0.3]},
    "ablation": {
        "datasets": ["digits"],
        "lambdas": [0.2, 0.4],
        "time_steps": [0.1],
        "exit_ratios": [0.5],
        "max_steps": [6],
    },
    "figures": {
        "tsne": {"dataset": "digits", "checkpoint": "byol-tiny", "refinement": "ped-0.3"},
        "ranks": {"metric": "logme", "refinement": "ped-0.3", "datasets": ["digits", "mnist"]},
    },
}
RUN = ("--cores", "2", "--workflow-profile", "quickstart", "--configfile", "small.yaml")

_TIMED = re.compile(r"seconds|timing|table2|per-checkpoint|figures/cost|\.log$|report\.html$")


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


def write_study(root: Path, **changes: object) -> None:
    """The small study, with these of its keys changed, as `RUN` reads it."""
    (root / "small.yaml").write_text(yaml.safe_dump(SMALL | changes))


def command(*arguments: str) -> list[str]:
    return [str(BIN / "snakemake"), *arguments]


def environment(root: Path) -> dict[str, str]:
    """As an activated environment, with the package of the copy before the installed one."""
    return os.environ | {"PYTHONPATH": str(root), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def snakemake(root: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `root` and wait; standard output and error come as one text in stdout.

    `options` are further ones of subprocess.run.
    """
    return subprocess.run(
        command(*arguments),
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **{"env": environment(root)} | options,
    )


def numbers(root: Path) -> dict[str, str]:
    """Hashes of all results that must be identical from run to run: all but logs, timings and what shows timings."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / "results").rglob("*"))
        if path.is_file() and not path.name.startswith(".") and not _TIMED.search(str(path.relative_to(root)))
    }


def planned(output: str) -> Counter[str]:
    """Jobs by rule, as Snakemake's table "Job stats" counts them."""
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    if table is None:
        return Counter()
    return Counter({rule: int(count) for rule, count in (line.split() for line in table[1].splitlines())})
