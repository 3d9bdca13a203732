"""Slurm: limits for its jobs, and jobs that outlived the workflow which submitted them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pedrank.utils.errors import InputError

RUN_MINUTES = 240  # time limit of one run of fine-tuning, first attempt
PREFIX = "pedrank_"  # of our jobs' names, set in profiles/slurm


def refuse_leftovers(folder: Path) -> None:
    """Raise InputError if jobs of an earlier workflow still wait or run in `folder`.

    On one machine jobs end with their workflow (`lock.die_with`). Slurm's jobs go on when the workflow is killed, and
    would write the same files as the next one's. Without Slurm, or if it does not answer, nothing is raised.
    """
    jobs = leftovers(folder)
    if jobs:
        raise InputError(
            f"{len(jobs)} Slurm jobs of an earlier workflow still work here; wait for them, or end them: scancel "
            + " ".join(jobs)
        )


def leftovers(folder: Path) -> list[str]:
    """Numbers of this user's unfinished Slurm jobs that a workflow submitted from `folder`."""
    if shutil.which("squeue") is None:
        return []
    command = ["squeue", "--noheader", "--user", str(os.getuid()), "--format", "%i %j %Z"]
    try:
        queue = subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8", errors="replace")
    except subprocess.TimeoutExpired:
        return []
    lines = queue.stdout.splitlines() if queue.returncode == 0 else []
    jobs = [line.split(maxsplit=2) for line in lines if line.strip()]
    return [job for job, name, where in jobs if name.startswith(PREFIX) and Path(where).resolve() == folder.resolve()]
