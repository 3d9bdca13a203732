"""Oxford 102 Flowers (Nilsback and Zisserman 2008): the authors' splits, whose test images outnumber the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.archive import tail
from pedrank.datasets.listing import TEST, TRAIN, VALIDATION, Listing, Rows


def listing(paths: Mapping[str, Path]) -> Listing:
    from scipy.io import loadmat

    labels = loadmat(paths["imagelabels.mat"], squeeze_me=True)["labels"]
    splits, rows = loadmat(paths["setid.mat"], squeeze_me=True), Rows()
    for split, key in ((TRAIN, "trnid"), (VALIDATION, "valid"), (TEST, "tstid")):
        for number in splits[key]:
            rows.add(split, f"image_{number:05d}.jpg", int(labels[number - 1]) - 1)
    names = [f"flower {label}" for label in range(1, int(labels.max()) + 1)]  # the files name no class
    return rows.listing(names, [paths["102flowers.tgz"]], tail(1))
