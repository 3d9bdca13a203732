"""A check that Snakemake can keep its records, which it makes only after hours of work, or reports by a traceback."""

from __future__ import annotations

import os
from pathlib import Path

from pedrank.utils.errors import InputError

# What Snakemake writes in every run, dry runs included.
_RECORDS = ("metadata", "incomplete", "iocache", "iocache/latest.pkl", "auxiliary", "shadow", "conda", "locks")


def check_writable(records: Path = Path(".snakemake")) -> None:
    """Check that the folder of Snakemake's records and all that it writes there can be written.

    Args:
        records: The folder; it need not exist yet.

    Raises:
        InputError: A file or a folder is not writable.
    """
    for path in (records, *(records / name for name in _RECORDS)):
        there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
        folder = there.is_dir()
        blocked = not folder and there != path.absolute()  # a file where a folder must be
        if blocked or not os.access(there, os.W_OK | os.X_OK if folder else os.W_OK):
            remedy = "make it writable, or run in a folder of your own: --directory FOLDER"
            raise InputError(f"{path}: Snakemake cannot write its records there ({_reason(there)}); {remedy}")


def _reason(path: Path) -> str:
    """Why a path cannot be written: who owns it, or that it is a file."""
    try:
        return f"{path} belongs to {path.owner()}, mode {path.stat().st_mode & 0o777:o}"
    except (OSError, KeyError):
        return f"{path} is not writable"
