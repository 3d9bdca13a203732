"""The version of this package: pyproject.toml's in a checkout, else the installed distribution's."""

from __future__ import annotations

import tomllib
from importlib import metadata

from pedrank.utils.paths import PACKAGE


def _version() -> str:
    """A checkout comes first: it may be run while another version is installed. Then what lies beside the package: a
    conda environment, which runs the scripts of an installed workflow, does not know it.
    """
    project = PACKAGE.parent / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    beside = next(iter(metadata.distributions(name="pedrank", path=[str(PACKAGE.parent)])), None)
    return beside.version if beside else metadata.version("pedrank")


VERSION = _version()
