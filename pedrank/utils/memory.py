"""Free memory, so that a computation that would run out of it is not started."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pedrank.utils.errors import InputError

# Pages of files in a control group: the kernel drops them when memory is needed. Mapped features are such pages.
_FILE_PAGES = ("inactive_file", "active_file")


class ShortMemoryError(InputError):
    """A computation needs more memory than is free."""


def check_free(what: str, needed: int, remedy: str) -> None:
    """Raise ShortMemoryError if more bytes are needed than are free.

    Args:
        what: Opens the message: what needs the memory, in the plural.
        needed: Bytes.
        remedy: Ends the message.

    >>> check_free("test: 3 x 2 features", 10**18, "take fewer")
    Traceback (most recent call last):
    pedrank.utils.memory.ShortMemoryError: test: 3 x 2 features need 1000000000.0 GB, but ... GB are free; take fewer
    """
    available = available_memory()
    if available is not None and needed > available:
        raise ShortMemoryError(f"{what} need {needed / 1e9:.1f} GB, but {available / 1e9:.1f} GB are free; {remedy}")


def available_memory() -> int | None:
    """Bytes that this process can still take: free memory of the machine, or of the control group if it has less.

    None on systems that do not say; only Linux does.
    """
    known = [value for value in (_machine(), _control_group()) if value is not None]
    return min(known, default=None)


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _control_group(own: Path = Path("/proc/self/cgroup"), top: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes left in the process's control group and those around it: of a container, or of a Slurm job."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            root, names = top, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            root, names = top / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            try:
                limit, used = ((folder / name).read_text(encoding="utf-8").strip() for name in names)
            except OSError:  # inside a container its own group is the top one, under another path
                continue
            if limit != "max":
                left.append(int(limit) - int(used) + _file_pages(folder, "" if controllers == "" else "total_"))
    return min(left, default=None)


def _file_pages(group: Path, prefix: str) -> int:
    """Bytes of a control group that hold pages of files."""
    with suppress(OSError):
        lines = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
        found = dict(line.split() for line in lines)
        return sum(int(found.get(prefix + name, 0)) for name in _FILE_PAGES)
    return 0
