"""What a reader finds: which images a dataset has, with labels and splits, and where each of them lies."""

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
    """Row i of each array is one image; `ids` are unique names, for people and for the archives."""

    ids: Sequence[str]
    labels: np.ndarray  # (N,) int64
    split: np.ndarray  # (N,) uint8, index into SPLITS
    class_names: Sequence[str]
    images: Callable[[], Iterator[tuple[int, bytes | np.ndarray]]]  # row and encoded image, or pixels; any order
    targets: np.ndarray | None = None  # (N, C) int8: 1 the class is there, 0 not there, -1 only hard to see
    released: np.ndarray | None = None  # (N,) uint8: how often the released feature code reads the row; once if None


@dataclass
class Rows:
    """A listing in the making: images in the order in which the dataset's own files have them."""

    ids: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    split: list[int] = field(default_factory=list)

    def add(self, split: int, identifier: str, label: int) -> None:
        self.ids.append(identifier)
        self.labels.append(label)
        self.split.append(split)

    def listing(
        self, class_names: Sequence[str], archives: Sequence[Path], key: Callable[[str], str], **more: np.ndarray
    ) -> Listing:
        """Images lie in `archives`; of a member's name, `key` makes its id."""
        place = {identifier: row for row, identifier in enumerate(self.ids)}
        if len(place) != len(self.ids):
            twice = next(name for row, name in enumerate(self.ids) if place[name] != row)
            raise InputError(f"{archives[0]}: '{twice}' is listed twice; fetch the lists again")
        odd = next((name for name in self.ids if not name.isprintable()), None)
        if odd is not None:
            raise InputError(f"{archives[0]}: '{odd}' is listed, which is no image's name; fetch the lists again")

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
                raise InputError(f"{names}: {len(waiting)} images missing, '{next(iter(waiting))}' first; fetch again")

        labels, split = np.array(self.labels, np.int64), np.array(self.split, np.uint8)
        return Listing(self.ids, labels, split, class_names, images, **more)


def take_validation(split: np.ndarray, seed: int = 0) -> np.ndarray:
    """A fifth of the training rows for validation, as the code of the published accuracies draws it.

    All training rows, in order, are shuffled by NumPy's legacy generator, and the first floor(n / 5) are taken.
    """
    rows = np.flatnonzero(split == TRAIN)
    np.random.RandomState(seed).shuffle(rows)
    split = split.copy()
    split[rows[: len(rows) // 5]] = VALIDATION
    return split


def lines(content: bytes) -> list[str]:
    """The lines of a list file that are not empty."""
    return [line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()]


def label_of(names: Sequence[str]) -> Mapping[str, int]:
    return {name: label for label, name in enumerate(names)}
