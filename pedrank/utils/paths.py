"""Paths of the package, and of the workflow around it or, where the package is installed, in it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = PACKAGE / "workflow_files"  # laid there when a wheel is built (pyproject.toml)
INSTALLED = _IN_WHEEL.is_dir()
ROOT = _IN_WHEEL if INSTALLED else PACKAGE.parent  # Snakefile, rules, scripts, schemas, profiles, studies
PUBLISHED = PACKAGE / "published"  # numbers that others printed; its README gives their sources


def in_repository(file: str) -> Path:
    """The file of a path relative to the repository, in a checkout as in an installed package.

    Args:
        file: Such as "scripts/score.py" or "pedrank/metrics/logme.py". It need not exist.

    >>> in_repository("pedrank/metrics/logme.py") == PACKAGE / "metrics/logme.py"
    True
    """
    return (PACKAGE.parent if file.startswith("pedrank/") else ROOT) / file


def name_in_repository(path: Path) -> str:
    """A file's path relative to the repository; the whole path of a file that lies elsewhere.

    Args:
        path: An absolute path.

    >>> name_in_repository(PACKAGE / "metrics/logme.py")
    'pedrank/metrics/logme.py'
    """
    if path.is_relative_to(ROOT):
        return path.relative_to(ROOT).as_posix()
    return path.relative_to(PACKAGE.parent).as_posix() if path.is_relative_to(PACKAGE) else str(path)
