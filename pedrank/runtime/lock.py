"""One workflow at a time in a working directory, and no orphans: by what the kernel knows, not by left-over files.

Snakemake's own lock outlives a `kill -9` and then refuses the next run; the profiles turn it off and the Snakefile
holds this one instead, which dies with its process. Jobs of a killed workflow would go on writing: each watches its
head.
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
    """Lock `path` for as long as the returned file stays open; InputError when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a")  # noqa: SIM115 (it stays open on purpose)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise InputError(f"another workflow runs in this directory ({path} is locked); wait for it to end") from None
    return file


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait for `path` to be free, and hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def alone(directory: Path) -> IO[str]:
    """The lock of `directory`, once nothing of another workflow is left in it: neither processes here nor Slurm's jobs.

    It is held for as long as the returned file stays open. InputError where something is left, or another one runs.
    """
    from pedrank.runtime.slurm import refuse_leftovers

    lock = hold(directory / ".snakemake/pedrank.lock")
    refuse_leftovers(directory)
    wait_for_orphans(directory)
    return lock


def wait_for_orphans(directory: Path, seconds: float = 10) -> None:
    """Wait for the jobs of a killed workflow in `directory` to end, as they do by themselves (`die_with`).

    Call it while holding the lock, so that no other workflow's jobs are there. Raises InputError that names those that
    have not ended. Where there is no /proc, nothing is seen.
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
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def die_with(head: int, poll_seconds: float = 0.2) -> None:
    """End this process soon after the process `head` has ended, from a background thread."""

    def watch() -> None:
        while True:
            try:
                os.kill(head, 0)
            except ProcessLookupError:
                os._exit(1)
            except PermissionError:  # alive, and somebody else's
                pass
            time.sleep(poll_seconds)

    threading.Thread(target=watch, daemon=True).start()
