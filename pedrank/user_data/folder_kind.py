"""Whether a folder holds a user's features or images."""

from __future__ import annotations

from pathlib import Path

from pedrank.user_data.feature_files import SUFFIXES, read_features
from pedrank.user_data.image_files import walk
from pedrank.user_data.split_folders import split_of
from pedrank.utils.errors import InputError


def holds_features(folder: Path) -> bool:
    """Decide whether a folder holds features, one file per checkpoint, or images.

    A stray file with the suffix of features (weights, an index of the images) does not make features of a folder of
    images: there must be two files of features, since a ranking needs two.

    Args:
        folder: The folder.

    Returns:
        True for features, False for images.

    Raises:
        InputError: The folder holds two or more files of features, and folders of images.

    >>> for name in ("cat", "dog"):
    ...     Path("pets", name).mkdir(parents=True)
    ...     Path("pets", name, "1.jpg").touch()
    >>> Path("pets/weights.safetensors").touch()
    >>> holds_features(Path("pets"))
    False
    """
    named = [file for file in sorted(folder.iterdir()) if file.suffix in SUFFIXES and not file.name.startswith(".")]
    if not any(file.is_file() for file in named):
        return False
    inside = [Path(image.path).relative_to(folder).parts for image in walk(folder).images]
    folders = sorted({parts[0] for parts in inside if len(parts) > 1})
    if not folders or (len(folders) == 1 and split_of(folders[0]) is None):  # no classes: pictures beside the features
        return True
    found = [file for file in named if _is_features(file)]
    if len(found) > 1:
        raise InputError(
            f"{folder}: holds features ({found[0].name}, {found[1].name}) and folders of images "
            f"({', '.join(folders[:3])}); give a folder with one of the two"
        )
    return False


def _is_features(file: Path) -> bool:
    try:
        read_features(file)
    except InputError:
        return False
    return True
