"""The datasets that a package carries, as `Dataset`: one module of this folder for each, loaded by its name."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np

from pedrank.catalogue.catalogue import catalogue, reader
from pedrank.datasets.dataset import SIZE, Dataset, check_card, check_dataset
from pedrank.utils.errors import InputError

EMBEDDED = ("digits", "fashion-mnist", "mnist")


def load_embedded(name: str, size: int = SIZE) -> Dataset:
    """One of the datasets that come with the package or its dependencies, in three equal channels.

    The images are read at 32 x 32 pixels, compared with their card, and brought to `size` x `size` by Pillow's bilinear
    filter. Raises InputError for an unknown name, and when counts or pixels differ from the card's.
    """
    if name not in EMBEDDED:
        raise InputError(f"no embedded dataset '{name}'; there are {', '.join(EMBEDDED)}")
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
    """(N, H, W) uint8 to (N, size, size), bilinearly and, where it shrinks, without aliasing."""
    from PIL import Image

    return np.stack(
        [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)) for image in grey]
    )
