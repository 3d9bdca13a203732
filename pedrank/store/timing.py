"""Seconds of steps: kept where the same code has measured them on the same inputs, so that a rerun changes no file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pedrank.store.artefacts import read_json
from pedrank.utils.errors import InputError

MEASURED = "measured"  # the field that says what the seconds are of


def measured(record: Mapping[str, Any], code: str) -> str:
    """Hex digest of what was timed: a record that names options and inputs, and the digest of the code."""
    return hashlib.sha256(json.dumps([record, code], sort_keys=True).encode()).hexdigest()[:16]


def kept(path: Path, *keys: str, default: Mapping[str, Any]) -> dict[str, Any]:
    """The timing that the JSON file at `path` holds (under `keys`), if it is of the same; else `default`.

    Both name in `MEASURED` what they are of.
    """
    try:
        there: Any = read_json(path)
        for key in keys:
            there = there[key]
        same = there[MEASURED] == default[MEASURED]
    except (InputError, LookupError, TypeError):
        same = False
    return dict(there if same else default)
