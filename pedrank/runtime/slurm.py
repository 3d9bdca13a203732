"""What Slurm is asked for, and its jobs that outlived the workflow which submitted them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pedrank.utils.errors import InputError

RUN_MINUTES = 240  # for one run of fine-tuning at its first attempt
PREFIX = "pedrank_"  # of our jobs' names: profiles/slurm asks for it


def refuse_leftovers(folder: Path) -> None:
    """InputError when jobs of an earlier workflow still wait or work in `folder`.

    On one machine jobs end with their workflow (`lock.die_with`); Slurm's go on when it is killed, and would
    write the same files as the next workflow's. Says nothing where there is no Slurm, or none that answers.
    """
    jobs = leftovers(folder)
    if jobs:
        raise InputError(
            f"{len(jobs)} Slurm jobs of an earlier workflow still work here; wait for them, or end them: scancel "
            + " ".join(jobs)
        )


def leftovers(folder: Path) -> list[str]:
    """Numbers of this user's unfinished jobs that a workflow submitted from `folder`."""
    if shutil.which("squeue") is None:
        return []
    command = ["squeue", "--noheader", "--user", str(os.getuid()), "--format", "%i %j %Z"]
    try:
        queue = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return []
    lines = queue.stdout.splitlines() if queue.returncode == 0 else []
    jobs = [line.split(maxsplit=2) for line in lines if line.strip()]
    return [job for job, name, where in jobs if name.startswith(PREFIX) and Path(where).resolve() == folder.resolve()]
