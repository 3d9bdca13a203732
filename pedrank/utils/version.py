"""The version of this package: pyproject.toml's in a checkout, else the installed distribution's."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path


def _version() -> str:
    """A checkout comes first: it may be run while another version is installed."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("pedrank")


VERSION = _version()
