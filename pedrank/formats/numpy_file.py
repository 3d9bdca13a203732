"""NumPy's own files from outside, .npy and .npz: nothing in them is unpickled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.utils.errors import InputError, reason


@contextmanager
def opened(path: Path, missing: str) -> Iterator[Any]:
    """Open a NumPy file, as a context manager.

    Args:
        path: A file that ends with .npy or .npz.
        missing: Remedy for a missing file, the end of the message.

    Yields:
        The array of an .npy file; for an .npz file, a mapping that reads an array when it is accessed.

    Raises:
        InputError: The file is missing or broken; also while its arrays are read within the context.
    """
    try:
        # An .npy file is mapped, since it may be larger than the memory; .npz files cannot be.
        content = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if isinstance(content, np.ndarray) != (path.suffix == ".npy"):
            raise InputError(
                f"{path}: the suffix does not fit the content; one array is .npy, several are .npz; rename the file"
            )
        yield content
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {missing}") from None
    except Exception as error:  # a broken file can raise anything
        # NumPy takes any unknown format for a pickle, and its message advises the user to allow pickles.
        why = "not NumPy's format, or it holds Python objects" if "pickle" in str(error) else reason(error)
        raise InputError(f"{path}: cannot be read ({why}); save it again with NumPy") from None
