"""How much memory a computation may still take, so that a long one is not started to be killed."""

from __future__ import annotations

from pathlib import Path


def available_memory() -> int | None:
    """Bytes this process can still take: what the machine has left, or the control group where it has less.

    None where the system does not say (only Linux does).
    """
    known = [value for value in (_machine(), _control_group()) if value is not None]
    return min(known, default=None)


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _control_group() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return None
    return None if limit == "max" else int(limit) - int(used)
