"""CSV tables that a user wrote, read strictly: UTF-8, a first line of column names, no surplus cells."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pedrank.utils.errors import InputError


def read_csv_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the lines of a CSV table as texts by column name; a missing cell is an empty text.

    Args:
        path: The table. A byte order mark, which Excel writes, is skipped.
        columns: Names that the first line must hold.

    Raises:
        InputError: The file is not CSV in UTF-8, lacks a column, or has a line with more cells than the first one.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            found = reader.fieldnames or []
            missing = [name for name in columns if name not in found]
            if missing:
                needed = " and ".join(columns)
                raise InputError(f"{path}: no column '{missing[0]}' in the first line; name the columns {needed} there")
            table = list(reader)
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a CSV table in UTF-8; save it as one") from None
    surplus = next((line for line, cells in enumerate(table, 2) if None in cells), None)
    if surplus is not None:
        raise InputError(
            f"{path}: line {surplus} has more cells than the first line; put values with a comma in quotes"
        )
    return table
