"""The images of a dataset as fine-tuning needs them: what is trained on, what is judged, and by which accuracy."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from pedrank.datasets.dataset import SPLITS, Dataset, load_images
from pedrank.datasets.splits import stratified_split
from pedrank.finetune.accuracy import check_accuracy
from pedrank.store.artefacts import read_arrays
from pedrank.utils.errors import InputError, about

VALIDATION_SHARE = 5  # one in five training images, where a dataset brings no validation images
SPLIT_SEED = 0


@dataclass(frozen=True)
class Images:
    """Row i of each array is one image."""

    name: str
    pixels: np.ndarray  # (N, H, W, 3) uint8: what networks see, unaugmented
    source: np.ndarray  # (N, S, S, 3) uint8: what random crops are taken from; `pixels` without augmentation
    targets: np.ndarray  # (N,) int64 classes, or (N, C) int8 as in pedrank/finetune/accuracy.py
    split: np.ndarray  # (N,) uint8, index into SPLITS
    classes: int
    metric: str

    def rows(self, *splits: str) -> np.ndarray:
        """Indices of the rows of these splits; InputError when there are none."""
        rows = np.flatnonzero(np.isin(self.split, [SPLITS.index(name) for name in splits]))
        if not len(rows):
            raise InputError(f"{self.name}: no images in {' or '.join(splits)}; give it some")
        return rows


def load_training_images(path: str | os.PathLike, metric: str, source: str | os.PathLike | None = None) -> Images:
    """Images of the dataset file `path`, and of `source`, the same dataset at the size that crops are taken from.

    A file of a multi-label dataset holds an array "targets" (N, C) int8 beside its labels. Raises InputError when the
    two files hold different images.
    """
    dataset = load_images(path)
    pool = dataset if source is None else load_images(source)
    if not (np.array_equal(pool.labels, dataset.labels) and np.array_equal(pool.split, dataset.split)):
        raise InputError(f"{source}: not the images of {path}; delete both and prepare the dataset again")
    return images_of(dataset, metric, pool.images, read_arrays(path, whole=False).get("targets"))


def images_of(
    dataset: Dataset, metric: str = "top-1", source: np.ndarray | None = None, targets: np.ndarray | None = None
) -> Images:
    """The dataset with a validation split: its own, or one training image in five, stratified and seeded.

    Raises InputError when the metric does not fit the targets.
    """
    targets = np.array(dataset.labels if targets is None else targets)
    with about(dataset.name):
        check_accuracy(metric, targets)
    split = np.array(dataset.split)
    train = dataset.rows("train")
    held_out = len(train) // VALIDATION_SHARE
    if not len(dataset.rows("validation")) and held_out:
        counts = {"train": len(train) - held_out, "validation": held_out}
        rows, part = stratified_split(dataset.labels[train], counts, SPLIT_SEED)
        split[train[rows]] = part
    return Images(
        name=dataset.name,
        pixels=dataset.images,
        source=dataset.images if source is None else source,
        targets=targets,
        split=split,
        classes=len(dataset.class_names),
        metric=metric,
    )
