"""Catalogue cards of a user's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pedrank.catalogue.catalogue import OWN_CARD
from pedrank.user_data import images


def images_entry(path: Path) -> dict[str, Any]:
    """Return a card for `datasets` of a catalogue. The images are listed but not opened.

    Args:
        path: A folder with one folder per class, a table of paths and labels, or a Hugging Face dataset.

    Returns:
        The card.

    Raises:
        InputError: The path is not a folder, table or dataset of images, its list is wrong, or it has only one class.
            Images that cannot be decoded are found later, when they are prepared.

    >>> for name in ("cat", "dog"):
    ...     Path("pets", name).mkdir(parents=True)
    ...     for number in range(8):
    ...         Path("pets", name, f"{number}.jpg").touch()
    >>> images_entry(Path("pets"))["metric"]
    'top-1'
    """
    path = path.absolute()
    listing = images.listing(path)
    return _card(path, "top-1" if listing.targets is None else "11-point mAP")


def reference_entry(path: Path) -> dict[str, Any]:
    """Return a card of reference images: all images below a folder, without classes.

    Args:
        path: The folder.

    Returns:
        The card.

    Raises:
        InputError: The path holds no images.

    >>> Path("reference").mkdir()
    >>> Path("reference/1.jpg").touch()
    >>> reference_entry(Path("reference"))["title"]
    'reference'
    """
    path = path.absolute()
    images.listing(path, unlabelled=True)
    return _card(path, "none")


def _card(path: Path, metric: str) -> dict[str, Any]:
    return {"title": path.stem, **OWN_CARD, "metric": metric, "images": str(path)}
