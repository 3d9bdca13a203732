"""Unpack a tar file that a test trusts."""

import tarfile
from pathlib import Path


def untar(archive: Path, folder: Path) -> None:
    """Unpack it by the rules for data, where this Python has them: 3.11.4 and later."""
    rules = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as content:
        content.extractall(folder, **rules)
