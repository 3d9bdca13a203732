"""FGVC Aircraft (Maji et al. 2013): 100 variants, with the authors' own training, validation and test lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, VALIDATION, Listing, Rows, label_of, lines
from pedrank.formats.archive import read_members, tail

_LISTS = {TRAIN: "images_variant_train.txt", VALIDATION: "images_variant_val.txt", TEST: "images_variant_test.txt"}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images by the authors' own lists of variants."""
    (archive,) = paths.values()
    texts = read_members(archive, ["variants.txt", *_LISTS.values()], tail(1))
    variants = lines(texts["variants.txt"])
    label, rows = label_of(variants), Rows()
    for split, name in _LISTS.items():
        for line in lines(texts[name]):
            image, variant = line.split(" ", 1)
            rows.add(split, f"images/{image}.jpg", label[variant])
    return rows.listing(variants, [archive], tail(2))
