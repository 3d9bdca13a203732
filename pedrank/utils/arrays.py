"""Arrays of other libraries as NumPy arrays."""

from __future__ import annotations

from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def as_numpy(values: ArrayLike) -> np.ndarray:
    """Return a NumPy array of the same numbers, without a copy where possible.

    Args:
        values: A NumPy array, a pandas table or column, a torch tensor (on any device, with or without a gradient), or
            a sequence.

    Returns:
        The array. bfloat16, which NumPy lacks, becomes float32. Texts and numbers in a column of pandas become those
        of NumPy.

    >>> as_numpy([1, 2]).tolist()
    [1, 2]
    """
    if hasattr(values, "detach"):
        tensor: Any = values.detach().cpu()
        try:
            return np.asarray(tensor)
        except TypeError:  # NumPy has no such type
            return np.asarray(tensor.float())
    array = np.asarray(values)
    if array.dtype.kind != "O":
        return array
    one_kind = any(all(isinstance(value, kind) for value in array.flat) for kind in (str, Number))
    return np.asarray(array.tolist()) if one_kind else array
