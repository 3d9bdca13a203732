"""Caltech-101 (Fei-Fei et al. 2004) with its background class: 9,144 images, split by ssl-transfer's lists.

ssl-transfer's training list of 2021 was drawn with replacement: its 3,060 lines name 2,416 different images, and the
released code reads an image as often as it is listed. Since 2023-10-25 (commit 416913f) the list is the same without
its repeats. Both lists give the same rows; the first also tells how often the released code reads them. A fifth of the
2,416 images are for validation, so that no copy of a validation image is trained on; the released code draws a fifth of
the lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import TEST, TRAIN, Listing, Rows, lines
from pedrank.formats.archive import tail


def listing(paths: Mapping[str, Path]) -> Listing:
    """List each image once, with the number of lines that name it in `released`."""
    rows = Rows()
    names: dict[int, str] = {}
    drawn: Counter[str] = Counter()
    for split, name in ((TRAIN, "caltech101-train.txt"), (TEST, "caltech101-test.txt")):
        for line in lines(paths[name].read_bytes()):
            image, label = line.rsplit(" ", 1)
            names[int(label)] = image.split("/")[0]
            if not drawn[image]:
                rows.add(split, image, int(label))
            drawn[image] += 1
    released = np.array([drawn[image] for image in rows.ids], np.uint8)
    class_names = [names[label] for label in sorted(names)]
    return rows.listing(class_names, [paths["caltech-101.zip"]], tail(2), released=released)
