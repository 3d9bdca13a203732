"""Seconds of steps, kept if the same code has measured them on the same inputs, so that a rerun changes no file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pedrank.store.artefacts import read_json
from pedrank.utils.errors import InputError

MEASURED = "measured"  # field that identifies the timed step


def measured(record: Mapping[str, Any], code: str) -> str:
    """Hex digest that identifies what was timed.

    Args:
        record: Options and inputs of the step.
        code: Digest of the step's code.

    >>> measured({"seed": 0}, "a") == measured({"seed": 0}, "a") != measured({"seed": 0}, "b")
    True
    """
    return hashlib.sha256(json.dumps([record, code], sort_keys=True).encode()).hexdigest()[:16]


def kept(path: Path, *keys: str, default: Mapping[str, Any]) -> dict[str, Any]:
    """Return the timing in a JSON file if it measured the same step, else `default`.

    Args:
        path: The file.
        *keys: Keys that lead to the timing in it.
        default: The new timing. Its field `MEASURED`, like that of the file's, identifies the step (`measured`).
    """
    try:
        there: Any = read_json(path)
        for key in keys:
            there = there[key]
        same = there[MEASURED] == default[MEASURED]
    except (InputError, LookupError, TypeError):
        same = False
    return dict(there if same else default)


def timing_file(run: Path) -> Path:
    """Path of the file with the seconds of a run; `run` is the run's own file."""
    return run.with_suffix(".timing.json")
