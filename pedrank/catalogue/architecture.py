"""Architectures that a user's own Python code builds: FILE.py:FUNCTION."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pedrank.store.artefacts import sha256
from pedrank.utils.errors import InputError

_CODE = re.compile(r"(?P<file>.+\.py):(?P<function>\w+)")


def code_of(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """File and function of an entry whose architecture is a user's own Python code; None for every other."""
    found = _CODE.fullmatch(str(entry.get("architecture", "")))
    return (found["file"], found["function"]) if found else None


def code_sha256(architecture: str) -> str | None:
    """The hash of a user's file; None for an architecture that is none. What the file imports is not in it."""
    code = code_of({"architecture": architecture})
    if code is None:
        return None
    try:
        return sha256(code[0])
    except OSError:
        raise InputError(f"{code[0]}: no such Python file; correct the path before ':{code[1]}'") from None
