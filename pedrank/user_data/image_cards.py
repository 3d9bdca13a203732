"""The card of a user's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pedrank.catalogue.catalogue import OWN_CARD
from pedrank.user_data import images


def images_entry(path: Path) -> dict[str, Any]:
    """A card for `datasets` of a catalogue; the images are listed, and not opened.

    Raises InputError for a path that is no folder, table or dataset, without images, with one class, or whose list is
    wrong. What cannot be decoded is found when the images are prepared.
    """
    path = path.absolute()
    listing = images.listing(path)
    return _card(path, "top-1" if listing.targets is None else "11-point mAP")


def reference_entry(path: Path) -> dict[str, Any]:
    """A card for reference images: all below a folder, in whatever folders, without classes.

    Raises InputError for a path without images.
    """
    path = path.absolute()
    images.listing(path, unlabelled=True)
    return _card(path, "none")


def _card(path: Path, metric: str) -> dict[str, Any]:
    return {"title": path.stem, **OWN_CARD, "metric": metric, "images": str(path)}
