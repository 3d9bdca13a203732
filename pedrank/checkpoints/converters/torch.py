"""Checkpoints that torch.save wrote, whose weights have torchvision's names after a prefix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.formats.torch_file import read_weights


def backbone(path: Path, entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The backbone's weights by torchvision's names.

    Args:
        path: The file.
        entry: Its catalogue entry: `unwrap` names the containers around the weights, `prefix` begins the name of each
            weight of the backbone, and `drop` lists prefixes of other weights, such as a head's.

    Raises:
        InputError: The file is not torch's, or lacks a container or the prefix.
    """
    drop = tuple(entry.get("drop", ()))
    weights = read_weights(path, entry.get("unwrap", []), entry.get("prefix", ""))
    return {name: array for name, array in weights.items() if not name.startswith(drop)}
