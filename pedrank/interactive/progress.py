"""Progress in a notebook or on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Collection[Item], title: str) -> Iterable[Item]:
    """Iterate over items behind a bar on stderr, which a notebook shows as well; without one where tqdm is missing.

    Args:
        items: What to iterate over.
        title: Text before the bar, which appears after a second.

    Returns:
        The items.

    >>> list(progress(["byol", "swav"], "scores"))
    ['byol', 'swav']
    """
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return items
    return tqdm(items, desc=title, file=sys.stderr, delay=1, leave=False)
