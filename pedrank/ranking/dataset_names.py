"""Names of datasets: which spellings mean the same dataset, and which accuracies a prior must leave out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_DATASETS = {  # usual spellings of the datasets of the published tables
    "aircraft": r"(fgvc ?)?aircrafts?",
    "caltech101": r"caltech( ?101)?",
    "cars": r"(stanford ?)?cars( ?196)?",
    "cifar10": r"cifar ?10",
    "cifar100": r"cifar ?100",
    "dtd": r"dtd|describable ?textures?( ?dataset)?",
    "flowers": r"(oxford ?)?flowers?( ?102)?",
    "food": r"food( ?101)?",
    "pets": r"(oxford ?)?(iiit ?)?pets?",
    "sun397": r"sun( ?397)?",
    "voc2007": r"(pascal ?)?voc( ?(20)?\d\d)?",
}


def left_out(accuracies: pd.DataFrame, dataset: str, images: str = "") -> pd.DataFrame:
    """Drop the accuracies on a dataset, which are what a prior is to predict.

    Args:
        accuracies: Long table: dataset and, optionally, images (hash of the dataset's images).
        dataset: Name of the dataset, in any usual spelling; a longer name that contains one counts as well.
        images: Hash of its images.

    Returns:
        The rows of other datasets.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"dataset": ["cifar10", "cifar100", "pets"]})
    >>> left_out(table, "my CIFAR-10 subset")["dataset"].tolist()
    ['cifar100', 'pets']
    """
    same = accuracies["dataset"].map(dataset_names).map(lambda names: bool(names & dataset_names(dataset)))
    if images and "images" in accuracies:
        same |= accuracies["images"] == images
    return accuracies[~same]


def dataset_names(name: str) -> set[str]:
    """Return the name of a dataset without blanks and signs, and the names of all published datasets that it contains.

    >>> sorted(dataset_names("Oxford-Flowers102"))
    ['flowers', 'oxfordflowers102']
    """
    words = re.sub(r"[^a-z0-9]+", " ", name.lower())
    found = {each for each, spelt in _DATASETS.items() if re.search(rf"(?<![a-z0-9])({spelt})(?![a-z0-9])", words)}
    return found | {words.replace(" ", "")}
