"""The result of reading a dataset's lists: its images, with labels, splits and a way to read each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pedrank.formats.archive import members
from pedrank.utils.errors import InputError

TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Listing:
    """The images of a dataset, before they are decoded. Row i of each array is one image; `ids` are unique names.

    The content of an image is the encoded file, its path, or its pixels.
    """

    ids: Sequence[str]
    labels: np.ndarray  # (N,) int64
    split: np.ndarray  # (N,) uint8, index into SPLITS
    class_names: Sequence[str]
    images: Callable[[], Iterator[tuple[int, bytes | np.ndarray | Path]]]  # row with content, in any order
    targets: np.ndarray | None = None  # (N, C) int8: 1 the class is present, 0 absent, -1 present but hard to see
    released: np.ndarray | None = None  # (N,) uint8: how often the released feature code reads the row; None: once
    notes: Sequence[str] = ()  # sentences for the user: files that were left out, folders that were read as splits


@dataclass
class Rows:
    """Images collected one by one, in the order of the dataset's own lists; `listing` makes a `Listing` of them."""

    ids: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    split: list[int] = field(default_factory=list)

    def add(self, split: int, identifier: str, label: int) -> None:
        """Append an image.

        Args:
            split: `TRAIN`, `VALIDATION` or `TEST`.
            identifier: The image's unique name.
            label: Its class, 0..C-1.
        """
        self.ids.append(identifier)
        self.labels.append(label)
        self.split.append(split)

    def listing(
        self,
        class_names: Sequence[str],
        archives: Sequence[Path],
        key: Callable[[str], str],
        targets: np.ndarray | None = None,
        released: np.ndarray | None = None,
    ) -> Listing:
        """Finish the listing.

        Args:
            class_names: The C class names, in the order of the labels.
            archives: Archives that hold the images.
            key: Makes an image's identifier of the name of an archive's member.
            targets: (N, C) int8, if images have several classes.
            released: (N,) uint8, if the released code reads some rows more than once.

        Returns:
            The listing; its `images` reads the archives one after the other, and raises InputError if images are
            missing.

        Raises:
            InputError: An identifier is listed twice, or is not printable.
        """
        place = {identifier: row for row, identifier in enumerate(self.ids)}
        if len(place) != len(self.ids):
            twice = next(name for row, name in enumerate(self.ids) if place[name] != row)
            raise InputError(f"{archives[0]}: '{twice}' is listed twice; download the lists again")
        odd = next((name for name in self.ids if not name.isprintable()), None)
        if odd is not None:
            raise InputError(
                f"{archives[0]}: '{odd}' is listed but is not the name of an image; download the lists again"
            )

        def images() -> Iterator[tuple[int, bytes]]:
            waiting = dict(place)
            for archive in archives:
                for name, read in members(archive):
                    row = waiting.pop(key(name), None)
                    if row is not None:
                        yield row, read()
                    if not waiting:
                        return
            if waiting:
                names = ", ".join(path.name for path in archives)
                raise InputError(
                    f"{names}: {len(waiting)} images missing, first '{next(iter(waiting))}'; download again"
                )

        labels, split = np.array(self.labels, np.int64), np.array(self.split, np.uint8)
        return Listing(self.ids, labels, split, class_names, images, targets, released)


def take_validation(split: np.ndarray, seed: int = 0) -> np.ndarray:
    """Move a fifth of the training rows to validation, as the code of the published accuracies does.

    All training rows are shuffled by NumPy's legacy generator, and the first floor(n / 5) become validation rows.

    Args:
        split: (N,) uint8, `TRAIN`, `VALIDATION` or `TEST` of each row; not changed.
        seed: Seed of the shuffle.

    Returns:
        (N,) uint8, the new splits.

    >>> take_validation(np.array([0, 0, 0, 0, 0, 2], np.uint8)).tolist()
    [0, 0, 1, 0, 0, 2]
    """
    rows = np.flatnonzero(split == TRAIN)
    np.random.RandomState(seed).shuffle(rows)
    split = split.copy()
    split[rows[: len(rows) // 5]] = VALIDATION
    return split


def lines(content: bytes) -> list[str]:
    """Lines of a text file in UTF-8, stripped, without the empty ones.

    >>> lines(b"cat 1\\n\\ndog 2\\n")
    ['cat 1', 'dog 2']
    """
    return [line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()]


def label_of(names: Sequence[str]) -> Mapping[str, int]:
    """Label of each class name: its place in the list.

    >>> label_of(["cat", "dog"])
    {'cat': 0, 'dog': 1}
    """
    return {name: label for label, name in enumerate(names)}
