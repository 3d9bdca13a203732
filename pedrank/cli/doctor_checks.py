"""What `pedrank doctor` looks at. Each check yields lines; none raises for what it finds."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pedrank.utils.machine import has_gpu
from pedrank.utils.paths import ROOT

OLDEST = (3, 11)
NEEDED = ("numpy", "scipy", "pandas", "scikit-learn", "pillow", "matplotlib", "torch", "torchvision", "snakemake")
LITTLE_DISK, LITTLE_MEMORY = 5e9, 2e9  # bytes: a downloaded checkpoint and its images; a ResNet-50's batch
TIMEOUT = 3.0  # seconds for a host to take a connection


class Check(NamedTuple):
    """One line: state is ok, warning or problem."""

    state: str
    text: str


def checks(out: Path, offline: bool) -> Iterator[Check]:
    """All checks, one line each; `out` is where results will go."""
    yield python(sys.version_info[:3])
    yield from packages(NEEDED)
    yield repository(ROOT)
    yield gpu()
    yield folder(out)
    yield disk(out)
    yield memory()
    if not offline:
        yield from network(hosts())


def python(version: tuple[int, ...]) -> Check:
    number = ".".join(map(str, version))
    if version[:2] < OLDEST:
        return Check(
            "problem", f"Python {number}: 3.11 or newer is needed; install it and run make PYTHON=python3.11 .venv"
        )
    return Check("ok", f"Python {number}")


def packages(names: tuple[str, ...], version: Callable[[str], str] = metadata.version) -> Iterator[Check]:
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if found:
        yield Check("ok", ", ".join(found))
    if missing:
        yield Check("problem", f"{', '.join(missing)}: not installed; pip install -e '.[workflow]' in the repository")
    if importlib.util.find_spec("timm") is None:
        yield Check("warning", "timm: not installed, its models cannot be ranked; pip install 'pedrank[zoo]'")


def repository(root: Path) -> Check:
    if (root / "Snakefile").is_file():
        return Check("ok", f"the workflow is in {root}")
    return Check(
        "problem", f"{root}: no Snakefile, so `pedrank rank` cannot run; install with pip install -e from a clone"
    )


def gpu() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check("warning", "GPU: unknown without torch")
    import torch

    if torch.cuda.is_available():
        return Check("ok", f"GPU: {torch.cuda.get_device_name(0)}, torch's CUDA {torch.version.cuda}")
    if has_gpu():
        return Check("warning", "GPU: there is one, but torch cannot use it; install torch for your CUDA (pytorch.org)")
    return Check("warning", "GPU: none, everything runs on the CPU; fine for the tiny zoo, slow for ResNet-50s")


def folder(out: Path) -> Check:
    nearest = _nearest(out)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check("ok", f"{out} can be written")
    except OSError as error:
        return Check("problem", f"{nearest}: {error.strerror}; give another folder with --out")


def disk(out: Path, usage: Callable[[Path], object] = shutil.disk_usage) -> Check:
    free = usage(_nearest(out)).free
    if free < LITTLE_DISK:
        return Check("warning", f"disk: {free / 1e9:.1f} GB free at {out}; free some, or give another disk with --out")
    return Check("ok", f"disk: {free / 1e9:,.0f} GB free at {out}")


def memory() -> Check:
    from pedrank.utils.memory import available_memory

    free = available_memory()
    if free is None:
        return Check("warning", "memory: the system does not say how much is free")
    if free < LITTLE_MEMORY:
        return Check("warning", f"memory: {free / 1e9:.1f} GB free; end other programs, or run with --cores 1")
    return Check("ok", f"memory: {free / 1e9:.1f} GB free")


def hosts() -> list[str]:
    """The hosts that the catalogue's checkpoints are fetched from."""
    from pedrank.catalogue.catalogue import catalogue, files

    urls = [
        url
        for entry in catalogue("checkpoints").values()
        for file in files(entry).values()
        for source in file.get("urls", [])
        for url in ([source] if isinstance(source, str) else source)
    ]
    return sorted({urlsplit(url).hostname or url for url in urls})


def network(names: list[str], timeout: float = TIMEOUT) -> Iterator[Check]:
    """Whether each host takes a connection; all are asked at once."""

    def reached(name: str) -> str | None:
        try:
            socket.create_connection((name, 443), timeout).close()
        except OSError as error:
            return str(error.strerror or error)
        return None

    with ThreadPoolExecutor(len(names)) as pool:
        reasons = dict(zip(names, pool.map(reached, names), strict=True))
    silent = [name for name in names if reasons[name]]
    if len(silent) < len(names):
        yield Check("ok", f"network: {', '.join(name for name in names if name not in silent)}")
    if silent:
        remedy = "set `mirror` in a study, or put files into results/downloads by hand (make fetch-list)"
        yield Check("warning", f"network: no connection to {', '.join(silent)} ({reasons[silent[0]]}); {remedy}")


def _nearest(path: Path) -> Path:
    """The path, or the first folder above it that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
