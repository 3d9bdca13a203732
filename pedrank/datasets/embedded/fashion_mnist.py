"""Fashion-MNIST (Xiao et al. 2017): 200 images of each class, kept in this package as one lossless WebP sheet.

The sheet is a grid of 28 x 28 tiles, `TILES` per row, class after class. Of each class the first 60 tiles are for
training and the next 40 for validation, all from Fashion-MNIST's training set; the last 100 are from its test set.
`scripts/make_fashion_subset.py` made the sheet. (c) 2017 Zalando SE, MIT licence: `fashion-mnist.licence.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

SHEET = Path(__file__).with_name("fashion-mnist.webp")
CLASSES = 10
TILES = 40


def read(counts: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the sheet.

    Args:
        counts: Images of each split, in the order of `SPLITS`.

    Returns:
        Images (N, 32, 32) uint8 with a black border of 2 pixels, labels (N,), splits (N,).
    """
    from PIL import Image

    with Image.open(SHEET) as sheet:
        tiles = untile(np.asarray(sheet.convert("L")))
    labels = np.repeat(np.arange(CLASSES), len(tiles) // CLASSES)
    split = np.tile(np.repeat(np.arange(len(counts)), [count // CLASSES for count in counts.values()]), CLASSES)
    return np.pad(tiles, ((0, 0), (2, 2), (2, 2))), labels, split


def tile(images: np.ndarray) -> np.ndarray:
    """Arrange images (N, 28, 28) as a sheet of `TILES` per row; N is a multiple of `TILES`.

    >>> tile(np.zeros((80, 28, 28), np.uint8)).shape
    (56, 1120)
    """
    return images.reshape(-1, TILES, 28, 28).swapaxes(1, 2).reshape(-1, TILES * 28)


def untile(sheet: np.ndarray) -> np.ndarray:
    """Cut a sheet into images (N, 28, 28): the inverse of `tile`.

    >>> untile(np.zeros((56, 1120), np.uint8)).shape
    (80, 28, 28)
    """
    return sheet.reshape(-1, 28, TILES, 28).swapaxes(1, 2).reshape(-1, 28, 28)
