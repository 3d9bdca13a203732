"""The checks of `pedrank doctor`. A check returns or yields lines; it never raises for a problem that it finds."""

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
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from pedrank.utils.errors import INSTALLATION
from pedrank.utils.machine import has_gpu
from pedrank.utils.offered import offered
from pedrank.utils.paths import INSTALLED, ROOT

OLDEST = (3, 11)
NEEDED = ("numpy", "scipy", "pandas", "scikit-learn", "pillow", "matplotlib", "torch", "torchvision", "snakemake")
LITTLE_DISK = 5e9  # bytes: a downloaded checkpoint and its images
LITTLE_MEMORY = 2e9  # bytes: a batch of a ResNet-50
TIMEOUT = 3.0  # seconds for a host to accept a connection


class Check(NamedTuple):
    """One line of the answer: state is ok, warning or problem."""

    state: str
    text: str


class Usage(Protocol):
    """The part of `shutil.disk_usage` that is read."""

    @property
    def free(self) -> int:
        """Free bytes."""


def checks(out: Path, offline: bool) -> Iterator[Check]:
    """All checks, one line each.

    Args:
        out: Folder for results.
        offline: Whether to skip the connections.
    """
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
    """Whether Python is new enough.

    >>> python((3, 12, 1))
    Check(state='ok', text='Python 3.12.1')
    """
    number = ".".join(map(str, version))
    if version[:2] < OLDEST:
        return Check(
            "problem",
            f"Python {number}: pedrank needs 3.11 or newer; install it and {_again('make PYTHON=python3.11 .venv')}",
        )
    return Check("ok", f"Python {number}")


def packages(names: tuple[str, ...], version: Callable[[str], str] = metadata.version) -> Iterator[Check]:
    """Whether packages are installed.

    Args:
        names: Distributions without which nothing works.
        version: Returns a distribution's version.
    """
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if found:
        yield Check("ok", ", ".join(found))
    if missing:
        remedy = _again("pip install -e '.[workflow]'")
        yield Check("problem", f"{', '.join(missing)}: not installed; {remedy}")
    if importlib.util.find_spec("timm") is None:
        yield Check("warning", "timm: not installed, so its models cannot be ranked; run pip install 'pedrank[zoo]'")


def repository(root: Path) -> Check:
    """Whether the workflow lies around the package, as in a clone, or in it, as pip installs it.

    Args:
        root: Folder of the workflow.
    """
    if (root / "Snakefile").is_file():
        return Check("ok", f"the workflow is in {root}")
    return Check(
        "problem",
        f"{root}: no Snakefile, so `pedrank rank` cannot run; the package is incomplete: run {INSTALLATION}",
    )


def gpu() -> Check:
    """Whether torch can use a GPU."""
    if importlib.util.find_spec("torch") is None:
        return Check("warning", "GPU: not checked, since torch is not installed")
    import torch

    if torch.cuda.is_available():
        return Check("ok", f"GPU: {torch.cuda.get_device_name(0)}, torch's CUDA {torch.version.cuda}")
    if torch.backends.mps.is_available():
        return Check("ok", "GPU: Apple's, by torch's mps; networks run on it, and scores in float64 on the CPU")
    if has_gpu():
        return Check(
            "warning", "GPU: present, but torch cannot use it; install torch for your CUDA version (pytorch.org)"
        )
    return Check("warning", "GPU: none, so everything runs on the CPU: fast for the tiny zoo, slow for ResNet-50s")


def folder(out: Path) -> Check:
    """Whether the folder for results can be written."""
    nearest = _nearest(out)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check("ok", f"{out} can be written")
    except OSError as error:
        return Check("problem", f"{nearest}: {error.strerror}; give another folder with --out")


def disk(out: Path, usage: Callable[[Path], Usage] = shutil.disk_usage) -> Check:
    """Whether the disk has room for results.

    Args:
        out: Folder for results.
        usage: Returns the disk's free bytes.
    """
    free = usage(_nearest(out)).free
    if free < LITTLE_DISK:
        return Check(
            "warning",
            f"disk: {free / 1e9:.1f} GB free at {out}; delete files, or give a folder on another disk with --out",
        )
    return Check("ok", f"disk: {free / 1e9:,.0f} GB free at {out}")


def memory() -> Check:
    """Whether enough memory is free."""
    from pedrank.utils.memory import available_memory

    free = available_memory()
    if free is None:
        return Check("warning", "memory: unknown, since this system does not report it")
    if free < LITTLE_MEMORY:
        return Check(
            "warning", f"memory: {free / 1e9:.1f} GB free; end other programs, or run `pedrank rank` with --cores 1"
        )
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
    """Whether each host accepts a connection; all are tried at once.

    Args:
        names: Hosts.
        timeout: Seconds per host.
    """

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
        remedy = "set `mirror` in a study, or download by hand into results/downloads"
        remedy += f" (`{command}` names the files)" if (command := offered("fetch-list")) else ""
        yield Check("warning", f"network: no connection to {', '.join(silent)} ({reasons[silent[0]]}); {remedy}")


def _again(in_clone: str) -> str:
    """How to install pedrank here: by a command in the clone, or by pip."""
    return f"run {INSTALLATION}" if INSTALLED else f"run {in_clone} in {ROOT}"


def _nearest(path: Path) -> Path:
    """The path, or the first folder above it that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
