"""Oxford-IIIT Pet (Parkhi et al. 2012): 37 breeds, the authors' trainval and test lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, Listing, Rows, lines
from pedrank.formats.archive import read_members, tail

_LISTS = {TRAIN: "trainval.txt", TEST: "test.txt"}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images by the authors' lists."""
    texts = read_members(paths["pets-annotations.tar.gz"], list(_LISTS.values()), tail(1))
    rows, names = Rows(), {}
    for split, name in _LISTS.items():
        for line in lines(texts[name]):
            image, breed = line.split()[:2]  # then species and number within it
            names[int(breed)] = image.rsplit("_", 1)[0].replace("_", " ")
            rows.add(split, f"{image}.jpg", int(breed) - 1)
    return rows.listing([names[breed] for breed in sorted(names)], [paths["pets-images.tar.gz"]], tail(1))
