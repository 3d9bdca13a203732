"""Checkpoints with equal features: the same weights under two names are ranked once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def fingerprint(features: np.ndarray) -> str:
    """Hash of features, which is equal for equal numbers in an equal order.

    Args:
        features: (N, D).

    >>> fingerprint(np.zeros((2, 3))) == fingerprint(np.zeros((3, 2)))
    False
    """
    content = np.ascontiguousarray(features)
    digest = hashlib.sha256(f"{content.dtype.str} {content.shape}".encode())
    digest.update(content.data)
    return digest.hexdigest()


def twins(fingerprints: Mapping[str, str]) -> dict[str, str]:
    """Find checkpoints whose features equal those of an earlier one.

    Args:
        fingerprints: By checkpoint.

    Returns:
        The earlier checkpoint, by the name of the later one.

    >>> twins({"byol": "a", "swav": "b", "mine": "a"})
    {'mine': 'byol'}
    """
    first: dict[str, str] = {}
    for name, content in fingerprints.items():
        first.setdefault(content, name)
    return {name: first[content] for name, content in fingerprints.items() if first[content] != name}


def shared_prior(known: pd.DataFrame, same: Mapping[str, str]) -> pd.DataFrame:
    """Give checkpoints with equal features the prior that is known under any of their names.

    Args:
        known: Table by checkpoint with NaN, or an empty text, where nothing is known.
        same: From `twins`.

    Returns:
        The table of the checkpoints that are no later names of others.

    >>> import pandas as pd
    >>> known = pd.DataFrame({"prior": [float("nan"), 1.0]}, index=["mine", "byol"])
    >>> shared_prior(known, {"byol": "mine"})["prior"].to_dict()
    {'mine': 1.0}
    """
    names = known.index.to_series().replace(dict(same))
    return known.replace("", None).groupby(names, sort=False).first()


def with_twins(table: pd.DataFrame, same: Mapping[str, str]) -> pd.DataFrame:
    """Add the checkpoints with equal features to a ranking, each below the one that it equals, with the same numbers.

    Args:
        table: Ranking from `pedrank.ranking.ranking.rank`.
        same: From `twins`.

    Returns:
        The ranking with a column same_as: name of the checkpoint that it equals, or None.
    """
    import pandas as pd

    rows = []
    for row in table.to_dict("records"):
        rows.append(row | {"same_as": None})
        of = row["checkpoint"]
        rows += [row | {"checkpoint": name, "same_as": of} for name, first in same.items() if first == of]
    return pd.DataFrame(rows, columns=[*table.columns, "same_as"])
