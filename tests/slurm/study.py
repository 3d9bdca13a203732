"""Studies run through Snakemake in copies of the repository, on Slurm or here, and what they leave."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from workflow import command, copy_repository, environment, numbers, write_study  # noqa: E402 (shared with the other tests of the workflow)


def checkout(folder: Path, profile: dict | None = None) -> Path:
    """A copy of the repository with the small study and, where `profile` is given, the profile slurm changed by it."""
    root = copy_repository(folder)
    write_study(root)
    if profile is not None:
        path = root / "profiles/slurm/profile.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | profile))
    return root


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    """Snakemake in the background; its output goes to run.log in `root`."""
    path = [environment(root)["PYTHONPATH"], *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    variables = environment(root) | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    with open(root / "run.log", "a") as log:
        return subprocess.Popen(command(*arguments), cwd=root, env=variables, stdout=log, stderr=log)


def finish(root: Path, *arguments: str, minutes: float = 40) -> float:
    """Run to the end; seconds that it took. RuntimeError, with the end of the log, when it fails."""
    begun = time.monotonic()
    wait(start(root, *arguments), root, minutes)
    return time.monotonic() - begun


def wait(process: subprocess.Popen[str], root: Path, minutes: float = 40) -> None:
    try:
        code = process.wait(timeout=60 * minutes)
    except subprocess.TimeoutExpired:
        process.kill()
        code = None
    if code != 0:
        tail = "\n".join((root / "run.log").read_text().splitlines()[-60:])
        raise RuntimeError(f"Snakemake in {root} ended with {code}:\n{tail}")


def differences(root: Path, other: Path) -> list[str]:
    """Files of results, but those that show timings, that are not the same in two checkouts."""
    here, there = numbers(root), numbers(other)
    return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))


def promises(log: str) -> tuple[dict[str, tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Megabytes, minutes and GPUs that Snakemake's log announced: by number of Slurm's job, and of each group.

    In a group all jobs of one rule work side by side, and the rules follow each other.
    """
    announced, promised, groups = {}, {}, []
    rule, number, grouped = "", "", False
    for line in log.splitlines():
        if line.endswith(" Group job pair (jobs in lexicogr. order):"):
            groups.append({})
        elif found := re.match(r"( *)(?:local)?rule (\w+):$", line):
            grouped, rule = bool(found[1]), found[2]
        elif found := re.match(r" +jobid: (\d+)$", line):
            number = found[1]
        elif re.match(r" +resources: ", line):
            wants = {name: int(value) for name, value in re.findall(r"\b(mem_mb|runtime|gpu)=(\d+)", line)}
            announced[number] = (wants["mem_mb"], wants["runtime"], wants.get("gpu", 0))
            if grouped:
                groups[-1].setdefault(rule, []).append(announced[number])
        elif found := re.match(r"Job (\d+) has been submitted with SLURM jobid (\d+)", line):
            promised[found[2]] = announced[found[1]]
    sums = [[tuple(map(sum, zip(*jobs, strict=True))) for jobs in group.values()] for group in groups]
    longest = [sum(max(minutes for _, minutes, _ in jobs) for jobs in group.values()) for group in groups]
    return promised, [
        (max(memory for memory, _, _ in rules), minutes, max(gpus for _, _, gpus in rules))
        for rules, minutes in zip(sums, longest, strict=True)
    ]
