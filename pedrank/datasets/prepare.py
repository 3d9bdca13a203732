"""Any dataset of the catalogue as one record of images, whatever it comes from."""

from __future__ import annotations

from pathlib import Path

from pedrank.catalogue import catalogue
from pedrank.datasets import Dataset, cifar10, load_embedded
from pedrank.errors import InputError


def prepare(name: str, size: int, downloads: Path) -> Dataset:
    """The dataset `name` at `size` x `size` pixels; files that no package carries are looked for in `downloads`.

    Raises InputError for an unknown name, a size that the dataset does not come in, and for the paper's datasets, whose
    archives are fetched but not read yet.
    """
    cards = catalogue("datasets")
    if name not in cards:
        raise InputError(f"no dataset '{name}'; there are {', '.join(cards)}")
    if name == "cifar10" and size == 32:
        return Dataset(name=name, **cifar10.load(downloads))
    if name == "cifar10" or "files" in cards[name]:
        raise InputError(
            f"{name}: reading its images at {size} pixels is not built yet; take it out of `datasets`, or run "
            "studies/quickstart.yaml, whose datasets need no download"
        )
    return load_embedded(name, size)
