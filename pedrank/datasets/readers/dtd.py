"""Describable Textures (Cimpoi et al. 2014): 47 textures, the first of the authors' ten partitions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, VALIDATION, Listing, Rows, label_of, lines
from pedrank.formats.archive import read_members, tail

_LISTS = {TRAIN: "labels/train1.txt", VALIDATION: "labels/val1.txt", TEST: "labels/test1.txt"}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images of the authors' first partition."""
    (archive,) = paths.values()
    lists = {split: lines(text) for split, text in zip(_LISTS, _texts(archive), strict=True)}
    textures = sorted({line.split("/")[0] for line in lists[TRAIN]})
    label, rows = label_of(textures), Rows()
    for split, images in lists.items():
        for image in images:
            rows.add(split, image, label[image.split("/")[0]])
    return rows.listing(textures, [archive], tail(2))


def _texts(archive: Path) -> list[bytes]:
    found = read_members(archive, list(_LISTS.values()), tail(2))
    return [found[name] for name in _LISTS.values()]
