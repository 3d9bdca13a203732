"""A user's own images without the broken ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from pedrank.datasets.listing import Listing
from pedrank.datasets.splits import split_by_class
from pedrank.user_data.image_table import rarest
from pedrank.utils.errors import InputError

# Follows the message about a broken image.
LEAVE_OUT = ", or leave it out: --skip-broken (`skip_broken: true` in the dataset's card)"


def without(listing: Listing, rows: Collection[int]) -> Listing:
    """Leave out rows of a listing, as if their images had never been there: drawn splits are drawn again.

    Args:
        listing: The listing.
        rows: Numbers of the rows to leave out.

    Returns:
        The listing of the other rows, in their order.

    Raises:
        InputError: No row of some class is left.

    >>> labels, split = np.array([0, 0, 1, 1]), np.array([0, 2, 0, 2], np.uint8)
    >>> without(Listing("abcd", labels, split, ["cat", "dog"], lambda: iter([])), {1}).ids
    ['a', 'c', 'd']
    """
    if not rows:
        return listing
    kept = [row for row in range(len(listing.ids)) if row not in rows]
    place = {row: number for number, row in enumerate(kept)}
    labels, targets = listing.labels[kept], None if listing.targets is None else listing.targets[kept]
    occurring = labels if targets is None else np.nonzero(targets == 1)[1]
    counts = np.bincount(occurring, minlength=len(listing.class_names))
    if not counts.all():
        lost = listing.class_names[int(np.argmin(counts))]
        raise InputError(f"all images of the class '{lost}' are broken; replace them, or leave out the class")
    drawn = np.array_equal(listing.split, split_by_class(_strata(listing.labels, listing.targets)))
    split = split_by_class(_strata(labels, targets)) if drawn else listing.split[kept]

    def images() -> Iterator[tuple[int, Any]]:
        return ((place[row], content) for row, content in listing.images() if row in place)

    ids = [listing.ids[row] for row in kept]
    return replace(listing, ids=ids, labels=labels, split=split, images=images, targets=targets)


def _strata(labels: np.ndarray, targets: np.ndarray | None) -> np.ndarray:
    """The labels (N,) by which splits are drawn."""
    return labels if targets is None else rarest(targets)
