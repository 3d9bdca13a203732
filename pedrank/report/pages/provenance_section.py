"""The section of a report that says how it was made: machine, versions, configuration, hashes of its input files."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pedrank.report.templates import render
from pedrank.store.artefacts import sha256
from pedrank.utils.machine import processor

if TYPE_CHECKING:
    from markupsafe import Markup

PACKAGES = ("pedrank", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "torch", "snakemake")


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Look up the versions of Python and of packages, by name; "not installed" for a package that is missing.

    >>> list(versions(["numpy"]))
    ['python', 'numpy']
    """
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def made_here(results: Path, files: Iterable[str], timed: str = "") -> Markup:
    """Set versions, configuration and the hashes of files as HTML.

    Args:
        results: The study's folder.
        files: Files below `results` that the report was made from.
        timed: Plain text at the end of the first sentence.

    Returns:
        The body of a section.
    """
    return render(
        "provenance.html.j2",
        machine=f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        timed=timed,
        versions=versions().items(),
        configuration=(results / "config.yaml").read_text(encoding="utf-8"),
        hashes=[(file, sha256(results / file)) for file in files],
    )
