"""The files of a Hugging Face dataset on disk: Arrow tables, and JSON that describes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pedrank.utils.errors import InputError


def read_arrow(folder: Path, names: Sequence[str]) -> Any:
    """Read Arrow files as one pyarrow table, memory-mapped.

    Args:
        folder: The folder of the files.
        names: File names in the order of the rows; folders in them are ignored.

    Raises:
        InputError: pyarrow is not installed, or a file is missing or not an Arrow stream.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise InputError(f"{folder}: a Hugging Face dataset needs pyarrow; run pip install 'pedrank[hf]'") from None
    parts = []
    for name in names:
        file = folder / Path(name).name
        try:
            parts.append(pa.ipc.open_stream(pa.memory_map(str(file))).read_all())
        except (OSError, pa.ArrowInvalid):
            raise InputError(
                f"{file}: missing, or not an Arrow file; save the dataset again with save_to_disk"
            ) from None
    return pa.concat_tables(parts)


def read_description(path: Path) -> Any:
    """Read one of the JSON files that describe the dataset.

    Raises:
        InputError: The file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{path}: missing or not JSON; save the dataset again with save_to_disk") from None
