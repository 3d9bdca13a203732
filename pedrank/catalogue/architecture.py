"""Architectures that a user's own Python code builds: FILE.py:FUNCTION."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pedrank.store.artefacts import sha256
from pedrank.utils.errors import InputError

_CODE = re.compile(r"(?P<file>.+\.py):(?P<function>\w+)")


def code_of(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """File and function of an entry whose architecture is a user's own Python code; None for other architectures.

    >>> code_of({"architecture": "nets.py:small"})
    ('nets.py', 'small')
    >>> code_of({"architecture": "resnet50"})
    """
    found = _CODE.fullmatch(str(entry.get("architecture", "")))
    return (found["file"], found["function"]) if found else None


def code_sha256(architecture: str) -> str | None:
    """Hash of a user's Python file; None for other architectures. Files that it imports are not included.

    Raises:
        InputError: The file is missing.
    """
    code = code_of({"architecture": architecture})
    if code is None:
        return None
    try:
        return sha256(code[0])
    except OSError:
        raise InputError(f"{code[0]}: no such Python file; correct the path before ':{code[1]}'") from None
