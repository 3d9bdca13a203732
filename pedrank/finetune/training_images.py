"""A dataset as fine-tuning needs it: images, targets, splits with validation images, and the name of its accuracy."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from pedrank.datasets.dataset import SPLITS, Dataset, load_images
from pedrank.datasets.splits import stratified_split
from pedrank.finetune.accuracy import check_accuracy
from pedrank.store.artefacts import read_arrays
from pedrank.utils.errors import InputError, about

VALIDATION_SHARE = 5  # one in five training images is held out if a dataset has no validation images
SPLIT_SEED = 0


@dataclass(frozen=True)
class Images:
    """Row i of each array is one image."""

    name: str
    pixels: np.ndarray  # (N, H, W, 3) uint8: as networks see them without augmentation
    source: np.ndarray  # (N, S, S, 3) uint8: random crops are cut from these; without augmentation the same as `pixels`
    targets: np.ndarray  # (N,) int64 classes, or (N, C) int8 as in pedrank/finetune/accuracy.py
    split: np.ndarray  # (N,) uint8, index into SPLITS
    classes: int
    metric: str

    def rows(self, *splits: str) -> np.ndarray:
        """Rows of the images in these splits; InputError if there are none."""
        rows = np.flatnonzero(np.isin(self.split, [SPLITS.index(name) for name in splits]))
        if not len(rows):
            raise InputError(f"{self.name}: no {' or '.join(splits)} images; add some to the dataset")
        return rows


def load_training_images(path: str | os.PathLike, metric: str, source: str | os.PathLike | None = None) -> Images:
    """Read a prepared dataset for fine-tuning.

    If images have several labels, the file holds an array "targets" (N, C) int8 beside its labels.

    Args:
        path: The dataset at the size that networks see.
        metric: Its accuracy, a key of `pedrank.finetune.accuracy.ACCURACIES`.
        source: The same dataset at the size that random crops are cut from; only with augmentation.

    Raises:
        InputError: The two files hold different images, or the accuracy does not fit the targets.
    """
    dataset = load_images(path)
    pool = dataset if source is None else load_images(source)
    if not (np.array_equal(pool.labels, dataset.labels) and np.array_equal(pool.split, dataset.split)):
        raise InputError(
            f"{source}: images differ from those of {path}; delete both files and prepare the dataset again"
        )
    return images_of(dataset, metric, pool.images, read_arrays(path, whole=False).get("targets"))


def images_of(
    dataset: Dataset, metric: str = "top-1", source: np.ndarray | None = None, targets: np.ndarray | None = None
) -> Images:
    """The dataset with a validation split: its own, or one training image in five, stratified and seeded.

    Args:
        dataset: Images, labels and splits.
        metric: Its accuracy, a key of `pedrank.finetune.accuracy.ACCURACIES`.
        source: (N, S, S, 3) uint8 images to cut random crops from; those of `dataset` if left out.
        targets: (N, C) int8 if images have several labels; the labels of `dataset` if left out.

    Raises:
        InputError: The accuracy does not fit the targets.
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
