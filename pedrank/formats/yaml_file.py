"""YAML from outside, read as plain data, with a limit on its size."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any

import yaml

from pedrank.utils.errors import InputError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_VALUES = 1_000_000
_DEEPEST = 50
_TOO_MUCH = f"more than {_MOST_VALUES:,} values or {_DEEPEST} nesting levels; reduce it"


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose content is a mapping.

    Raises:
        InputError: The file is missing, not YAML, not a mapping, or refused by `check_values`. Also for nested aliases
            that expand a few lines to millions of values.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check_size(text, path)
        content = yaml.load(text, Loader=_LOADER)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; correct the path") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}: not YAML{where} ({getattr(error, 'problem', error)}); correct it") from None
    except ValueError as error:  # bytes that are not UTF-8, an impossible date, a number of thousands of digits
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not YAML ({error}); correct it") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a mapping of names to values; correct it")
    check_values(content, str(path))
    return content


def check_values(content: Any, source: str) -> None:
    """Raise InputError for values that a JSON schema cannot refuse.

    These are keys that are not text, dates, NaN, numbers of 2**63 or more, and over 1,000,000 values or 50 levels.

    Args:
        content: Nested mappings, lists and values.
        source: Opens the message: a file, for instance.

    >>> check_values({"learning_rate": 0.1}, "config.yaml")
    >>> check_values({"learning_rate": float("nan")}, "config.yaml")
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: config.yaml, learning_rate: the number is NaN, infinite or too large; correct it
    """
    pending, seen = [("", content, 0)], 0
    while pending:
        where, value, depth = pending.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            raise InputError(f"{source}: {_TOO_MUCH}")
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise InputError(f"{source}, {where[1:] or 'top level'}: a key is not text; put it in quotes")
            pending += [(f"{where}.{key}", item, depth + 1) for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            pending += [(where, item, depth + 1) for item in value]
        elif isinstance(value, (int, float)):
            if not abs(value) < 2**63:  # false for NaN, too
                raise InputError(f"{source}, {where[1:]}: the number is NaN, infinite or too large; correct it")
        elif not isinstance(value, (str, NoneType)):
            raise InputError(f"{source}, {where[1:]}: a {type(value).__name__} is not allowed here; put it in quotes")


def _check_size(text: str, path: Path) -> None:
    """Raise InputError for too many levels, or too many values once aliases are expanded; builds nothing."""
    total = 0
    open_anchors: list[tuple[str | None, int]] = []  # of open collections: anchor, number of values up to it
    sizes: dict[str, int] = {}  # number of values by anchor
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise InputError(f"{path}: the alias '{event.anchor}' is unknown or part of itself; write it out")
            total += sizes[event.anchor]
        elif isinstance(event, yaml.NodeEvent):
            total += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_anchors.append((event.anchor, total))
            elif event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_anchors.pop()
            if anchor is not None:
                sizes[anchor] = total - before + 1
        if total > _MOST_VALUES or len(open_anchors) > _DEEPEST:
            raise InputError(f"{path}: {_TOO_MUCH}")
