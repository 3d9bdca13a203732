"""What made a report: machine, versions, configuration, and the hashes of the files it was made from."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from pedrank.report.pages import page
from pedrank.store.artefacts import sha256
from pedrank.utils.machine import processor

PACKAGES = ("pedrank", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "torch", "snakemake")


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Python's version and those of packages, by name."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def made_here(results: Path, files: Iterable[str], timed: str = "") -> str:
    """HTML of versions, configuration and the hashes of `files`, below `results`; `timed` closes the first line."""
    machine = f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return "\n".join(
        [
            page.paragraph(f"This page was written on {machine}{timed}."),
            page.pairs(versions().items()),
            page.folded("The configuration, defaults included", (results / "config.yaml").read_text()),
            page.paragraph("SHA-256 of the files that this page was made from:"),
            page.pairs((file, sha256(results / file)) for file in files),
        ]
    )
