"""Free memory, so that a computation that would run out of it is not started."""

from __future__ import annotations

from pathlib import Path


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
                left.append(int(limit) - int(used))
    return min(left, default=None)
