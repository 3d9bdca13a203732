"""Sentences about the images behind features."""

from __future__ import annotations

import os

from pedrank.store.artefacts import read_metadata


def image_notes(path: str | os.PathLike) -> list[str]:
    """Say how the images behind features or reference statistics were read, such as how deep their pixels are.

    Args:
        path: A file of features or of reference statistics.

    Returns:
        Sentences in plain text; none if pedrank ships the images or the features are the user's own.
    """
    images = read_metadata(path).get("images")  # a name, if pedrank ships the images
    return images.get("pixels", {}).get("notes", []) if isinstance(images, dict) else []
