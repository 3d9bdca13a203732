"""What Slurm says of its jobs, finished ones included."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

UNITS = {"M": 1, "G": 1024}


@dataclass(frozen=True)
class Job:
    number: str
    rule: str  # or the name of a group
    state: str
    megabytes: int
    minutes: int
    cpus: int
    gpus: int
    restarts: int
    node: str


def jobs(folder: object) -> list[Job]:
    """All jobs submitted from `folder`, in the order of submission."""
    listing = subprocess.run(["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True).stdout
    found = [_job(line) for line in listing.splitlines() if f" WorkDir={folder} " in line]
    return sorted(found, key=lambda job: int(job.number))


def wait_for(folder: object, wanted: Callable[[Job], bool], seconds: float = 1200) -> Job:
    """The first job that is `wanted`, as soon as there is one."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        for job in jobs(folder):
            if wanted(job):
                return job
        time.sleep(0.5)
    raise RuntimeError(f"no such job within {seconds:.0f} s; there are {jobs(folder)}")


def running(rule: str) -> Callable[[Job], bool]:
    return lambda job: job.rule == rule and job.state == "RUNNING"


def _job(line: str) -> Job:
    fields = dict(re.findall(r"(\S+?)=(\S*)", line))
    memory = re.fullmatch(r"(\d+(?:\.\d+)?)([MG])", fields["MinMemoryNode"])
    days, hours, minutes = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):\d+", fields["TimeLimit"]).groups()
    name = re.match(r"rule_(.+?)(?:_wildcards_.*)?$|(.*)", fields.get("Comment", ""))
    gpus = re.search(r"gres:gpu:(\d+)", fields.get("TresPerJob", ""))
    return Job(
        number=fields["JobId"],
        rule=name[1] or name[2],
        state=fields["JobState"],
        megabytes=round(float(memory[1]) * UNITS[memory[2]]),
        minutes=60 * (24 * int(days or 0) + int(hours)) + int(minutes),
        cpus=int(fields["NumCPUs"]),
        gpus=int(gpus[1]) if gpus else 0,
        restarts=int(fields["Restarts"]),
        node=fields.get("BatchHost", ""),
    )
