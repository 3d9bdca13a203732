"""CSV tables that a user wrote: cells between commas, semicolons, tabs or bars, and names of columns in the first line.

The separator is the one with which the first line holds the columns that are needed; the other lines are not used to
guess it. So a table is read in one way, or refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pedrank.utils.errors import InputError

_SEPARATORS = ",;\t|"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # Excel's "Unicode Text"


@dataclass(frozen=True)
class Row:
    """A line of a table: its number in the file, and its cells by column, stripped of blanks."""

    line: int
    cells: Mapping[str, str]


def read_csv_rows(
    path: Path, columns: Mapping[str, Sequence[str]], optional: Mapping[str, Sequence[str]] | None = None
) -> list[Row]:
    """Read some columns of a table. Empty lines, and columns that are not asked for, are skipped.

    Args:
        path: The table: UTF-8, with or without a byte order mark, or UTF-16 with one. A first line such as `sep=;`,
            by which Excel is told the separator, is followed.
        columns: Other spellings of each column that must be there and filled in. Names are compared in lower case
            without blanks, hyphens and underscores. A column with the name itself comes before its other spellings.
        optional: The same for columns that may be missing or have empty cells.

    Returns:
        The lines below the first one, in the table's order. Only optional columns may be missing in `cells`.

    Raises:
        InputError: The file is not a table in one of these forms, lacks a column or a cell, has two columns for one
            name, or a line with more cells than the first one.
    """
    text = _text(path)
    separator, head = _separated(path, text, columns)
    place = _places(path, head, dict(columns) | dict(optional or {}))
    rows = []
    for line, cells in _lines(path, text, separator):
        if any(cells[len(head) :]):
            raise InputError(
                f"{path}: line {line} has more cells than the first line; put values that contain the separator "
                f"'{separator}' in quotes".replace("'\t'", "tab")
            )
        row = {name: cells[at] if at < len(cells) else "" for name, at in place.items()}
        empty = next((name for name in columns if not row[name]), None)
        if empty is not None:
            raise InputError(
                f"{path}: line {line}: no {empty}; fill in the column '{head[place[empty]]}', or leave the line out"
            )
        rows.append(Row(line, row))
    return rows[1:]


def column_names(path: Path, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The names in the first line, with the separator by which `read_csv_rows` reads the same columns.

    Args:
        path: As for `read_csv_rows`.
        columns: As for `read_csv_rows`.

    Raises:
        InputError: The file is not a table in one of these forms, or lacks a column.
    """
    return _separated(path, _text(path), columns)[1]


def is_column(name: str, column: str, spellings: Sequence[str] = ()) -> bool:
    """Whether a name is a column's, or one of its other spellings.

    >>> is_column("Model Name", "checkpoint", ["model", "modelname"])
    True
    """
    return bool(_matching([name], column, spellings))


def decimal_point(text: str) -> str:
    """A number with a decimal point and without a percent sign: German Excel writes a comma.

    >>> decimal_point("91,5 %")
    '91.5'
    """
    text = text.removesuffix("%").rstrip()
    return text.replace(",", ".") if re.fullmatch(r"[+-]?\d*,\d+(e[+-]?\d+)?", text, re.IGNORECASE) else text


def _separated(path: Path, text: str, columns: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """The separator, and the names of the columns."""
    hint = re.match(r"sep=(.)\r?\n", text)
    heads = {separator: _head(text, separator) for separator in (hint[1] if hint else _SEPARATORS)}
    separator = next((each for each in heads if not _missing(heads[each], columns)), None)
    if separator is None:
        head = max(heads.values(), key=len)
        raise InputError(
            f"{path}: no column '{_missing(head, columns)[0]}' in the first line, which has {_listed(head)}; "
            f"name the columns {' and '.join(columns)} there"
        )
    return separator, heads[separator]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; correct the path") from None
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line} is not text in {encoding.removesuffix('-sig').upper()}; save the table as 'CSV UTF-8'"
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: not a CSV table (it has zero bytes); save the table as 'CSV UTF-8'")
    return text


def _lines(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Number and stripped cells of each line that is not empty, the line with the names of the columns included."""
    file = io.StringIO(text, newline="")
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) and not (reader.line_num == 1 and text.startswith("sep=")):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: not CSV ({error}); check the quotes up to this line"
        ) from None


def _head(text: str, separator: str) -> list[str]:
    """The names in the first line that is not empty; none if the text cannot be read with this separator."""
    try:
        return next(_lines(Path(), text, separator), (0, []))[1]
    except InputError:
        return []


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _matching(head: Sequence[str], name: str, spellings: Sequence[str]) -> list[int]:
    """Places of the columns with the name itself; if there are none, of those with another spelling."""
    plain = [_plain(cell) for cell in head]
    exact = [at for at, cell in enumerate(plain) if cell == _plain(name)]
    return exact or [at for at, cell in enumerate(plain) if cell in spellings]


def _missing(head: Sequence[str], columns: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for name, spellings in columns.items() if not _matching(head, name, spellings)]


def _places(path: Path, head: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The place of each column that is there."""
    found = {name: _matching(head, name, spellings) for name, spellings in columns.items()}
    for name, places in found.items():
        if len(places) > 1:
            raise InputError(
                f"{path}: several columns may be the {name}: {_listed([head[at] for at in places])}; "
                f"call the right one '{name}', and no other"
            )
    return {name: places[0] for name, places in found.items() if places}


def _listed(head: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in head[:20]) + (" and more" if len(head) > 20 else "") or "no text"
