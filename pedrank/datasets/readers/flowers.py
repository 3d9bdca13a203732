"""Oxford 102 Flowers (Nilsback and Zisserman 2008): the authors' splits, whose test images outnumber the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, VALIDATION, Listing, Rows
from pedrank.formats.archive import tail
from pedrank.formats.matlab import read_matlab


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images by the authors' splits; the classes have no names."""
    labels = read_matlab(paths["imagelabels.mat"].read_bytes())["labels"]
    splits, rows = read_matlab(paths["setid.mat"].read_bytes()), Rows()
    for split, key in ((TRAIN, "trnid"), (VALIDATION, "valid"), (TEST, "tstid")):
        for number in splits[key]:
            rows.add(split, f"image_{number:05d}.jpg", int(labels[int(number) - 1]) - 1)
    names = [f"flower {label}" for label in range(1, int(labels.max()) + 1)]  # the files name no class
    return rows.listing(names, [paths["102flowers.tgz"]], tail(1))
