"""Classes of images from the cells of a column of labels: numbers, names, lists of them, and 0/1 vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unicodedata import normalize

import numpy as np

from pedrank.user_data.image_table import targets_of
from pedrank.utils.errors import InputError

_REMEDY = "add it, or leave these images out, and save the dataset again"


def named(cells: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Replace the numbers of named classes by their names; a negative number is a missing label.

    Args:
        cells: Class numbers or lists of them.
        names: The name of each number.

    Raises:
        InputError: A number has no name.

    >>> named([1, -1, [0, 1]], ["cat", "dog"])
    ['dog', None, ['cat', 'dog']]
    """

    def name(number: Any) -> str | None:
        if not isinstance(number, int) or number < 0:
            return None
        if number >= len(names):
            raise InputError(f"the label {number} has no name, since only {len(names)} classes are named; correct it")
        return names[number]

    return [[name(number) for number in cell] if isinstance(cell, list) else name(cell) for cell in cells]


def is_unlabelled(cells: Sequence[Any]) -> bool:
    """Whether no cell has a label, as in a split whose labels are not published: they are missing, or all are -1.

    >>> is_unlabelled([-1, -1]), is_unlabelled([-1, 1])
    (True, False)
    """
    return all(_missing(cell) or cell == -1 or cell == [-1] for cell in cells)


def classes(cells: Sequence[Any], ids: Sequence[str]) -> list[list[Any]]:
    """The classes of each image: whole numbers, booleans or names.

    Lists of one length with only 0 and 1 are vectors that have a 1 at each class of the image. They cannot be lists of
    class numbers: these would name a class twice, or name both classes for every image. One exception is a list of
    length one, which is a class number.

    Args:
        cells: The labels of N images: whole numbers, booleans or texts, or lists of them.
        ids: The N images' names, for messages.

    Raises:
        InputError: A label is missing, names a class twice, or is no class.

    >>> classes([[1, 0, 0], [0, 1, 1]], ["a", "b"])
    [[0], [1, 2]]
    >>> classes([2.0, 0.0], ["a", "b"])
    [[2], [0]]
    """
    _check_some([not _missing(cell) for cell in cells], ids)
    lists = [cell if isinstance(cell, list) else [cell] for cell in cells]
    _check_kinds(lists, ids)
    if is_multi_hot(lists):
        hot = [[place for place, value in enumerate(cell) if value] for cell in lists]
        _check_some([bool(part) for part in hot], ids)
        return hot
    found = [[_plain(value) for value in cell] for cell in lists]
    for part, name in zip(found, ids, strict=True):
        if len(set(part)) < len(part):
            raise InputError(
                f"image {name} has the label {list(part)}, which names a class twice; list each class once, "
                "or give vectors of one length with 0 and 1 for each class"
            )
    return found


def is_multi_hot(lists: Sequence[Sequence[Any]]) -> bool:
    """Whether lists are vectors with 0 or 1 for each class.

    >>> is_multi_hot([[0, 1], [1, 0]]), is_multi_hot([[0, 1], [1]]), is_multi_hot([[0], [1]])
    (True, False, False)
    """
    lengths = {len(cell) for cell in lists}
    return len(lengths) == 1 and lengths != {1} and {value for cell in lists for value in cell} <= {0, 1}


def numbered(
    found: Sequence[Sequence[Any]], order: Sequence[Any] = ()
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Number the classes that occur.

    Args:
        found: The classes of each of N images.
        order: The classes in the order of their numbers; by default they are sorted.

    Returns:
        Labels (N,) int64 in 0..C-1, the smallest one of each image; targets (N, C) int8 if an image has several
        classes; and the C names.

    >>> numbered([["dog"], ["cat"]], ["dog", "emu", "cat"])
    (array([0, 1]), None, ['dog', 'cat'])
    """
    occurring = {value for part in found for value in part}
    present = [value for value in order if value in occurring] if order else sorted(occurring)
    place = {value: number for number, value in enumerate(present)}
    numbers = [[place[value] for value in part] for part in found]
    labels = np.array([min(part) for part in numbers], np.int64)
    several = any(len(part) > 1 for part in numbers)
    return labels, targets_of(numbers, len(present)) if several else None, [str(value) for value in present]


def _missing(cell: Any) -> bool:
    if isinstance(cell, list):
        return not cell or any(map(_missing, cell))
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def _check_some(labelled: Sequence[bool], ids: Sequence[str]) -> None:
    without = [name for name, there in zip(ids, labelled, strict=True) if not there]
    if without:
        raise InputError(f"{len(without)} of {len(ids)} images have no label, first image {without[0]}; {_REMEDY}")


def _check_kinds(lists: Sequence[Sequence[Any]], ids: Sequence[str]) -> None:
    for cell, name in zip(lists, ids, strict=True):
        for value in cell:
            if not isinstance(value, (str, int)) and not (isinstance(value, float) and value.is_integer()):
                raise InputError(
                    f"image {name} has the label {value!r}, which is no class; give names or whole numbers of classes, "
                    "lists of them, or vectors of 0 and 1 (amounts are for pedrank.rank(features, numbers))"
                )


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return normalize("NFC", value.strip())
    return int(value) if isinstance(value, float) else value
