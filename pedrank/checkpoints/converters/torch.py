"""Checkpoints that torch.save wrote, whose weights have torchvision's names after a prefix.

One checkpoint circulates in several forms. SwAV's trainer reads its weights under the key `state_dict`, but the
published file has them at the top; MoCo trained without several processes has names without `module.`. So the forms
that mean the same are read alike: with and without the containers, with and without `module.`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.formats.torch_file import read_torch, tensors, unwrapped

_PARALLEL = "module."  # torch's DataParallel puts it before every name
_CONTAINER = "state_dict"


def backbone(path: Path, entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The backbone's weights by torchvision's names.

    Args:
        path: The file.
        entry: Its catalogue entry: `unwrap` names the containers around the weights, `prefix` begins the name of each
            weight of the backbone, and `drop` lists prefixes of other weights, such as a head's.

    Raises:
        InputError: The file is not torch's, or lacks a container.
    """
    keys, prefix, drop = entry.get("unwrap", []), entry.get("prefix", ""), tuple(entry.get("drop", ()))
    content = read_torch(path)
    places = _places(content, keys)
    for start in dict.fromkeys((prefix, prefix.removeprefix(_PARALLEL))):
        found = max((_after(start, place, drop) for place in places), key=len)
        if found:
            return found
    unwrapped(content, keys, path)  # a missing container has a message of its own
    return {}


def _places(content: Mapping[str, Any], keys: Sequence[str]) -> list[dict[str, np.ndarray]]:
    """The tensors of each dictionary in which the weights may be, the catalogue's first."""
    inner = content
    for key in keys:
        inner = inner[key] if isinstance(inner.get(key), Mapping) else {}
    nested = content.get(_CONTAINER)
    return [tensors(place) for place in (inner, content, nested) if isinstance(place, Mapping)]


def _after(start: str, state: Mapping[str, np.ndarray], drop: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The weights whose names begin with `start`, by the rest of their names, without those that `drop` lists."""
    weights = {name.removeprefix(start): array for name, array in state.items() if name.startswith(start)}
    return {name: array for name, array in weights.items() if not name.startswith(drop)}
