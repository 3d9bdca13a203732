"""Food-101 (Bossard et al. 2014): 750 training and 250 test images of each dish.

Labels follow the authors' `meta/classes.txt`, as in ssl-transfer. It is not quite in alphabetical order: "cheesecake"
(16) comes before "cheese_plate" (17). torchvision sorts, so these two labels are exchanged there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, Listing, Rows, label_of, lines
from pedrank.formats.archive import read_members, tail

_CLASSES = "meta/classes.txt"
_LISTS = {TRAIN: "meta/train.txt", TEST: "meta/test.txt"}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images by the authors' lists."""
    (archive,) = paths.values()
    texts = read_members(archive, [_CLASSES, *_LISTS.values()], tail(2))
    lists = {split: lines(texts[name]) for split, name in _LISTS.items()}
    dishes = lines(texts[_CLASSES])
    label, rows = label_of(dishes), Rows()
    for split, images in lists.items():
        for image in images:
            rows.add(split, f"{image}.jpg", label[image.split("/")[0]])
    return rows.listing(dishes, [archive], tail(2))
