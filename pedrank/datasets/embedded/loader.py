"""The datasets that a package carries, as `Dataset`. Each has a module in this folder, loaded by name."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np

from pedrank.catalogue.catalogue import catalogue, reader
from pedrank.datasets.dataset import SIZE, Dataset, check_card, check_dataset
from pedrank.utils.errors import InputError

EMBEDDED = ("digits", "fashion-mnist", "mnist")


def load_embedded(name: str, size: int = SIZE) -> Dataset:
    """Load a dataset that comes with this package or its dependencies, in three equal channels.

    Args:
        name: One of `EMBEDDED`.
        size: Side of the images in pixels. They are read and checked at 32 pixels, then resized by Pillow's bilinear
            filter.

    Raises:
        InputError: The name is unknown, or counts or pixels differ from the card's.

    >>> load_embedded("digits").images.shape
    (1797, 32, 32, 3)
    """
    if name not in EMBEDDED:
        raise InputError(f"unknown embedded dataset '{name}'; choose from {', '.join(EMBEDDED)}")
    card = catalogue("datasets")[name]
    grey, labels, split = importlib.import_module(reader(name)).read(card["counts"])
    dataset = Dataset(
        name=name,
        images=np.repeat(grey[..., None], 3, axis=3),
        labels=labels.astype(np.int64),
        split=split.astype(np.uint8),
        class_names=tuple(card["classes"]),
        source=card["source"],
        licence=card["licence"],
    )
    check_dataset(dataset)
    check_card(dataset, card)
    return dataset if size == SIZE else replace(dataset, images=np.repeat(_resize(grey, size)[..., None], 3, axis=3))


def _resize(grey: np.ndarray, size: int) -> np.ndarray:
    """(N, H, W) uint8 to (N, size, size) by the bilinear filter, which does not alias when it shrinks."""
    from PIL import Image

    return np.stack(
        [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)) for image in grey]
    )
