"""Arrays of a safetensors file that a user gives: features, reference statistics or weights, written by any program."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pedrank.formats.safetensors_file import read_safetensors
from pedrank.store.integrity import check_user_arrays


def read_user_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Read arrays of a user's safetensors file; if pedrank wrote it, its seal is checked.

    Args:
        path: The file.
        *names: The arrays to read; by default all of them.

    Returns:
        Arrays by name.

    Raises:
        InputError: As `read_safetensors`, or the file differs from its seal.
    """
    arrays = read_safetensors(path, *names)
    check_user_arrays(path)
    return arrays
