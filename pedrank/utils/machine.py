"""The machine in words, for tables of seconds."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """Name of the processor, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def has_gpu() -> bool:
    """Whether the kernel has an NVIDIA GPU."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()  # /dev/dxg: the Linux subsystem of Windows
