"""NumPy's own files, .npy and .npz, from anywhere: nothing in them is unpickled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.utils.errors import InputError, reason


@contextmanager
def opened(path: Path, missing: str) -> Iterator[Any]:
    """What `numpy.load` gives: an array, or a mapping whose arrays are read where they are taken from it.

    Raises InputError for whatever is wrong with the file, there too; `missing` is the remedy for one that is not there.
    """
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray) != (path.suffix == ".npy"):
            raise InputError(f"{path}: one array is .npy, several are .npz; give it the name of what it is")
        yield content
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {missing}") from None
    except Exception as error:  # a broken file can raise anything
        # NumPy takes whatever it does not know for a pickle, and advises to load that.
        why = "not NumPy's format, or of Python objects" if "pickle" in str(error) else reason(error)
        raise InputError(f"{path}: cannot be read ({why}); save it again with NumPy") from None
