"""One workflow at a time in a working directory, and no orphaned jobs: both by kernel state, not by left-over files.

Snakemake's own lock outlives a `kill -9` and then refuses the next run, so the profiles turn it off. The Snakefile
holds this lock instead, which the kernel frees when the process dies. The jobs of a killed workflow would go on
writing, so each job watches the workflow's process and ends after it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pedrank.utils.errors import InputError


def hold(path: Path) -> IO[str]:
    """Lock a file for as long as the returned handle stays open.

    Raises:
        InputError: Another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (it stays open on purpose)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise InputError(f"another workflow runs in this directory ({path} is locked); wait for it to end") from None
    return file


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until the lock on `path` is free, and hold it within the context."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def alone(directory: Path) -> IO[str]:
    """Lock a directory for one workflow, once no job of another workflow is left in it, on this machine or in Slurm.

    Returns:
        The lock, held for as long as this handle stays open.

    Raises:
        InputError: Another workflow runs, or jobs of a killed one do not end.
    """
    from pedrank.runtime.slurm import refuse_leftovers

    lock = hold(directory / ".snakemake/pedrank.lock")
    refuse_leftovers(directory)
    wait_for_orphans(directory)
    return lock


def wait_for_orphans(directory: Path, seconds: float = 10) -> None:
    """Wait until the jobs of a killed workflow have ended, as they do by themselves (`die_with`).

    Call it while the lock is held, so that no other workflow's jobs are running. Without /proc no job is found.

    Args:
        directory: The workflow's working directory.
        seconds: Longest wait.

    Raises:
        InputError: Jobs are still running; the message names their processes.
    """
    end = time.monotonic() + seconds
    while jobs := _jobs(directory.resolve()):
        if time.monotonic() > end:
            numbers = " ".join(map(str, jobs))
            raise InputError(f"jobs of a killed workflow still write in {directory}; end them: kill -9 {numbers}")
        time.sleep(0.1)


def _jobs(directory: Path) -> list[int]:
    """Processes that a workflow in `directory` has started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                Path(os.readlink(process / "cwd")) == directory
                and b"PEDRANK_HEAD=" in (process / "environ").read_bytes()
            ):
                found.append(int(process.name))
        except OSError:  # the process has ended, or belongs to another user
            continue
    return found


def die_with(head: int, poll_seconds: float = 0.2) -> None:
    """End this process soon after another one has ended, from a background thread.

    Args:
        head: Process id of the other one.
        poll_seconds: Time between two looks.
    """

    def watch() -> None:
        while True:
            try:
                os.kill(head, 0)
            except ProcessLookupError:
                os._exit(1)
            except PermissionError:  # alive, and another user's
                pass
            time.sleep(poll_seconds)

    threading.Thread(target=watch, daemon=True).start()
