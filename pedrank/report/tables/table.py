"""A printed table: text already formatted, with what each file format needs to set it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """One printed value; `small` stands below it in small print, `value` is what a column is sorted by."""

    text: str
    value: float
    mark: str = ""
    bold: bool = False
    small: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line; `starts` opens a group, `aside` does not compete with the others, `refined` is of refined features."""

    label: str
    cells: tuple[Cell, ...]
    starts: bool = False
    aside: bool = False
    refined: bool = False


@dataclass(frozen=True)
class Table:
    """What a file format needs to set a table.

    `head` holds the name of each column, the labels' first, and its lines in small print; `numbers` is what the
    cells were printed from.
    """

    name: str  # such as "Table 1"
    title: str
    head: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    numbers: pd.DataFrame
