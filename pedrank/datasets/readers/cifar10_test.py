"""CIFAR-10's 10,000 test images as a dataset of their own, for networks that were pre-trained on its training images.

600 images are for training, 400 for validation and 9,000 for the test, stratified by class and drawn with seed 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import Listing
from pedrank.datasets.readers.cifar10 import cifar10_batches
from pedrank.datasets.splits import stratified_split

_COUNTS = {"train": 600, "validation": 400, "test": 9000}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images as pixels; all are in memory."""
    (path,) = paths.values()
    batches, names = cifar10_batches(path)
    images, labels = batches["test_batch"]
    rows, split = stratified_split(labels.astype(np.int64), _COUNTS, seed=0)
    ids = [f"test_batch/{row}" for row in rows]
    return Listing(ids, labels[rows].astype(np.int64), split, names, lambda: enumerate(images[rows]))
