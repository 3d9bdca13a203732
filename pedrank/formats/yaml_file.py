"""Reading YAML that a user, or somebody else, wrote: plain data, and no more of it than stands in the file."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any

import yaml

from pedrank.utils.errors import InputError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_VALUES = 1_000_000
_DEEPEST = 50
_TOO_MUCH = f"over {_MOST_VALUES} values or {_DEEPEST} levels; write what it needs and no more"


def read_yaml(path: Path) -> dict[str, Any]:
    """The content of a YAML file, a mapping.

    Raises InputError for a file that is missing, not YAML or no mapping, for what `check_values` refuses, and for
    aliases that repeat each other until a few lines stand for millions of values.
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
    except ValueError as error:  # bytes that are no UTF-8, a date that is none, a number of thousands of digits
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not YAML ({error}); correct it") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: must be a mapping of names to values; correct it")
    check_values(content, str(path))
    return content


def check_values(content: Any, source: str) -> None:
    """Raise InputError for what a schema cannot see: keys that are no text, dates, NaN, numbers out of range."""
    pending, seen = [("", content, 0)], 0
    while pending:
        where, value, depth = pending.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            raise InputError(f"{source}: {_TOO_MUCH}")
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise InputError(f"{source}, {where[1:] or 'top level'}: a key is no text; put it in quotes")
            pending += [(f"{where}.{key}", item, depth + 1) for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            pending += [(where, item, depth + 1) for item in value]
        elif isinstance(value, (int, float)):
            if not abs(value) < 2**63:  # NaN is not, either
                raise InputError(f"{source}, {where[1:]}: a number that nothing can be computed with; correct it")
        elif not isinstance(value, (str, NoneType)):
            raise InputError(f"{source}, {where[1:]}: a {type(value).__name__} is no value here; put it in quotes")


def _check_size(text: str, path: Path) -> None:
    """Raise InputError for more values, aliases written out, or levels than there may be; nothing is built for it."""
    total, open_anchors, sizes = 0, [], {}
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
