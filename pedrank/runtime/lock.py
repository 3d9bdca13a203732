"""One workflow at a time in a folder of results, and no orphaned jobs: both by kernel state, not by left-over files.

Snakemake's own lock outlives a `kill -9` and then refuses the next run, so the profiles turn it off. The Snakefile
holds this lock instead, which the kernel frees when the process dies. The jobs of a killed workflow would go on
writing, so each job watches the workflow's process and ends after it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pedrank.utils.errors import InputError

# Errors of file systems without locks, such as Lustre mounted without `flock` or NFS without a lock server.
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def hold(path: Path) -> IO[str]:
    """Lock a file for as long as the returned handle stays open.

    On a file system without locks, a warning is printed to stderr, and nothing is locked.

    Raises:
        InputError: Another process holds the lock, or the file cannot be opened.
    """
    file = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _open(path)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        assert file is not None  # it was opened
        file.close()
        where = f"in this directory, or on the same results ({path} is locked)"
        raise InputError(f"another workflow runs {where}; wait for it to end") from None
    except OSError as error:
        if file is None or error.errno not in _WITHOUT_LOCKS:
            raise InputError(f"{path}: the lock cannot be taken ({error.strerror}){_owner(path)}") from None
        reason = f"{path.parent}: this file system has no locks ({error.strerror})"
        print(f"warning: {reason}; make sure that no other workflow writes these results", file=sys.stderr)
    return file


def _open(path: Path) -> IO[str]:
    """Open a lock file, for reading if it belongs to another user, and let every user open it later."""
    try:
        file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (it stays open on purpose)
    except PermissionError:
        return open(path, encoding="utf-8")
    with suppress(OSError):  # the file belongs to another user
        os.chmod(path, 0o666)
    return file


def _owner(path: Path) -> str:
    """The remedy for a lock file that cannot be opened, with the name of its owner."""
    try:
        owner = path.owner()
    except (OSError, KeyError):
        return f"; make {path.parent} writable, or run in a folder of your own"
    return f"; {path} belongs to {owner}: use their account or a folder of your own, or ask for access"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until the lock on `path` is free, and hold it within the context."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def alone(directory: Path) -> list[IO[str]]:
    """Lock a directory's results for one workflow, once no job of another workflow writes there.

    The lock is in `results/` itself, so that two directories whose `results/` are links to one folder exclude each
    other; a folder in it that is such a link is locked as well.

    Args:
        directory: The workflow's working directory.

    Returns:
        The locks, held for as long as these handles stay open.

    Raises:
        InputError: Another workflow runs, or jobs of a killed one do not end.
    """
    from pedrank.runtime.slurm import refuse_leftovers

    results = (directory / "results").resolve()
    results.mkdir(parents=True, exist_ok=True)
    linked = sorted(path.resolve() for path in results.iterdir() if path.is_symlink() and path.is_dir())
    locks = [hold(folder / ".pedrank.lock") for folder in dict.fromkeys([results, *linked])]
    refuse_leftovers(directory)
    wait_for_orphans(directory)
    return locks


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
    """Processes that a workflow in `directory`, or in another directory with the same results, has started."""
    found, results = [], (directory / "results").resolve()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (Path(os.readlink(process / "cwd")) / "results").resolve() == results and b"PEDRANK_HEAD=" in (
                process / "environ"
            ).read_bytes():
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
