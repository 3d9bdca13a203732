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
    """Whether there is a GPU of NVIDIA, as the kernel shows it, or of Apple, which every Mac with an M chip has."""
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()  # /dev/dxg: Windows' Linux subsystem
