"""Load a user's own metrics and refinements from a Python file."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from pedrank import metrics, refinements
from pedrank.formats.yaml_file import read_yaml
from pedrank.utils.errors import InputError


def load_plugins(study: Path | None) -> None:
    """Run the plugins of a study, so that tables, figures and pages find the titles of their metrics.

    Args:
        study: The study's configuration; without one, nothing is run.

    Raises:
        InputError: As `load_plugin`.
    """
    for plugin in read_yaml(study).get("plugins", []) if study else []:
        load_plugin(plugin)


def load_plugin(path: str | os.PathLike) -> None:
    """Run a Python file that registers metrics or refinements.

    Args:
        path: The file; its code is run without restrictions.

    Raises:
        InputError: The file is missing, fails, or registers nothing new.
    """
    spec = importlib.util.spec_from_file_location(f"pedrank_user_{Path(path).stem}", path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise InputError(f"{path}: no such Python file; correct the path")
    before = len(metrics.registered) + len(refinements.registered)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path}: fails with {type(error).__name__}: {error}; correct it") from error
    if len(metrics.registered) + len(refinements.registered) == before:
        raise InputError(
            f"{path}: registers no metric and no refinement; decorate a function with @pedrank.metrics.metric() or "
            "@pedrank.refinements.refinement, under a new name"
        )
