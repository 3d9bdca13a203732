"""Tables, figures and HTML pages of a study, made from its files alone; nothing here computes a score."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pedrank.utils.errors import InputError, nearest

# Figures that show what PED does: the paper's and one more.
PAPER_FIGURES = ("figure4", "figure5", "figure6", "figure7", "motion")
CROSS_DATASET_FIGURES = ("critical-difference", "agreement", "cost")  # figures over all datasets


def maker(kind: str, name: str) -> Callable[..., Any]:
    """The function that makes a table or a figure: the one that has its module's name.

    Args:
        kind: "table" or "figure".
        name: Name of a module in the folder of that kind; hyphens stand for underscores.

    Returns:
        The function.

    Raises:
        InputError: No module there has such a function.

    >>> maker("table", "table1-published").__name__
    'table1_published'
    """
    name = name.replace("-", "_")
    modules = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent / f"{kind}s")])]
    found = getattr(import_module(f"pedrank.report.{kind}s.{name}"), name, None) if name in modules else None
    if found is None:
        raise InputError(f"unknown {kind} '{name}'; {nearest(name, modules)}")
    return found
