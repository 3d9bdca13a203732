"""Which folders below a dataset's folder are splits and which are classes, decided by their structure.

Folders that hold folders of the same names are splits, and the names below them are the classes. The words in a
folder's name (train2017, seg_test, Validation) say which split it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pedrank.utils.errors import InputError

TRAIN = "train"
_WORDS = {
    TRAIN: ("train", "training"),
    "validation": ("val", "valid", "validation", "dev", "eval", "evaluation"),
    "test": ("test", "testing", "holdout"),
}
_ROLES = {word: split for split, words in _WORDS.items() for word in words}
_ADDED = re.compile(r"(?:set|data|split|images|imgs|val)\Z")  # trainset, valdata, trainval

_LISTED = 5  # names in a sentence


class Place(NamedTuple):
    """The class of an image, and its split if the dataset has splits."""

    label: str
    split: str | None


class Arrangement(NamedTuple):
    """The result of `arrange`."""

    places: Sequence[Place | None]  # one for each image; None: the image is left out
    splits: dict[str, str]  # split of each folder that is one; empty without splits
    class_folders: list[str]  # the folders, relative to the dataset's, that hold the class folders
    notes: list[str]  # sentences about folders that were left out, or could have been meant otherwise


def split_of(folder: str) -> str | None:
    """Return the split that the words of a folder's name stand for: train, validation or test; None for other names.

    >>> [split_of(name) for name in ("train2017", "seg_test", "ValSet", "trains", "cat")]
    ['train', 'test', 'validation', None, None]
    """
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", folder).lower())
    return next((_ROLES[word] for each in words for word in (each, _ADDED.sub("", each)) if word in _ROLES), None)


def arrange(path: Path, images: Sequence[Sequence[str]]) -> Arrangement:
    """Give every image its class and its split.

    Args:
        path: The dataset's folder, for messages.
        images: The names of the folders between `path` and each image, at least one.

    Raises:
        InputError: The structure fits splits as well as classes, or an image of a split is in no class folder.
    """
    doubled = _doubled(images)
    images = [[names[0], *names[2:]] if names[0] in doubled else names for names in images]
    below: dict[str, set[str]] = {}  # the folders of images in each folder; "" stands for the folder itself
    for names in images:
        below.setdefault(names[0], set()).add(names[1] if len(names) > 1 else "")
    roles = {name: split for name in below if (split := split_of(name))}
    training = [name for name, split in roles.items() if split == TRAIN]
    classes = set().union(*(below[name] for name in training)) - {""}
    same = [name for name in roles if name not in training and below[name] & classes]
    if training and (len(roles) == len(below) or same):
        return _splits(path, images, below, roles, classes, doubled)
    doubtful = [name for name in training if len(below[name]) > 1 and "" not in below[name]]
    plain = {name.lower(): name for name in roles if name.lower() in _ROLES}
    if TRAIN in plain and len({_ROLES[name] for name in plain}) > 1:
        doubtful.append(plain[TRAIN])
    if doubtful:
        others = _some([name for name in below if name != doubtful[0]])
        raise InputError(
            f"{path}: '{doubtful[0]}' can be a split or a class, because the folders in it are not those of {others}; "
            f"give {path / doubtful[0]} if it holds the classes, or write a CSV with the columns path and label"
        )
    inner = [_inner_split(names) for names in images]
    if TRAIN in inner and None not in inner:
        splits = {name: inner_split for name in sorted(set().union(*below.values())) if (inner_split := split_of(name))}
        places = [Place(names[0], split) for names, split in zip(images, inner, strict=True)]
        return Arrangement(places, splits, [""], [])
    widest = max(below.values(), key=len, default=set())
    if len(below) > 1 and all(len(names) > 1 and names <= widest and "" not in names for names in below.values()):
        if roles:
            return _splits(path, images, below, roles, widest, doubled)
        note = (
            f"The folders {_some(below)} hold folders of the same names ({_some(widest)}), so these names are read as "
            "the classes, and the images are split class by class."
        )
        return Arrangement([Place(names[1], None) for names in images], {}, sorted(below), [note])
    return Arrangement([Place(names[0], None) for names in images], {}, [""], _shared(below))


def _splits(
    path: Path,
    images: Sequence[Sequence[str]],
    below: dict[str, set[str]],
    roles: dict[str, str],
    classes: Collection[str],
    doubled: Mapping[str, str],
) -> Arrangement:
    """The images of the folders that are splits; folders with other names or without the classes are left out."""
    used = {name: split for name, split in roles.items() if split == TRAIN or below[name] & set(classes)}
    loose = next((names for names in images if names[0] in used and len(names) == 1), None)
    if loose:
        raise InputError(
            f"{path / loose[0]}: images of this split are in no class folder; make a folder for each class, or write a "
            "CSV with the columns path, label and split"
        )
    places = [Place(names[1], used[names[0]]) if names[0] in used else None for names in images]
    left_out = sorted(set(below) - set(used))
    numbers = {name: sum(names[0] == name for names in images) for name in left_out}
    notes = [
        f"Left out: {numbers[name]:,} image{'s' * (numbers[name] != 1)} of the folder {name}, which is not read as a "
        "split."
        for name in left_out
    ]
    class_folders = [f"{name}/{doubled[name]}" if name in doubled else name for name in used]
    return Arrangement(places, used, class_folders, notes)


def _doubled(images: Sequence[Sequence[str]]) -> dict[str, str]:
    """By split folder, the only folder in it if that says the same split, such as seg_train/seg_train/CLASS."""
    inside: dict[str, set[str]] = {}
    for names in images:
        inside.setdefault(names[0], set()).add(names[1] if len(names) > 1 else "")
    only = {name: next(iter(found)) for name, found in inside.items() if len(found) == 1}
    return {name: first for name, first in only.items() if split_of(first) and split_of(first) == split_of(name)}


def _inner_split(names: Sequence[str]) -> str | None:
    return split_of(names[1]) if len(names) > 1 else None


def _shared(below: dict[str, set[str]]) -> list[str]:
    """A sentence if class folders hold folders of the same names, which could have been meant as classes."""
    times = Counter(name for names in below.values() for name in names - {""})
    shared = {name for name, number in times.items() if number > 1}
    if not shared or len(times) < 2:
        return []
    return [f"Read as classes: {_some(below)}. The folders in them ({_some(shared)}) are not read as classes."]


def _some(names: Collection[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:_LISTED]) + (", …" if len(listed) > _LISTED else "")
