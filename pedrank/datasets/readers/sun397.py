"""SUN397 (Xiao et al. 2010): the first of the authors' ten partitions, 50 training and 50 test images of each scene.

The label is the folder. The released feature code requests the test images in a way that returns the training images,
as for CIFAR: every training image counts twice, and test images do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import TEST, TRAIN, Listing, Rows, label_of, lines
from pedrank.formats.archive import read_members, tail

_LISTS = {TRAIN: "Training_01.txt", TEST: "Testing_01.txt"}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images of the first partition."""
    texts = read_members(paths["SUN397-Partitions.zip"], ["ClassName.txt", *_LISTS.values()], tail(1))
    folders = sorted(lines(texts["ClassName.txt"]), key=lambda folder: folder[3:])  # "/a/abbey"
    label, rows = label_of(folders), Rows()
    for split, name in _LISTS.items():
        for image in lines(texts[name]):
            rows.add(split, image.lstrip("/"), label[image.rsplit("/", 1)[0]])
    released = np.where(np.array(rows.split) == TEST, 0, 2).astype(np.uint8)
    names = [folder[3:] for folder in folders]
    return rows.listing(names, [paths["SUN397.tar.gz"]], _below_the_root, released=released)


def _below_the_root(name: str) -> str:
    return name.split("SUN397/", 1)[-1]
