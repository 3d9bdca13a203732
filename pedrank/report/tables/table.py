"""A printed table, independent of the file format: formatted text, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """One printed value."""

    text: str
    value: float  # the column is sorted by it, highest first
    mark: str = ""  # behind the text, such as "*"
    bold: bool = False
    small: tuple[str, ...] = ()  # lines in small print below the text
    link: str = ""  # where the text leads, in HTML only


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    label: str
    cells: tuple[Cell, ...]
    starts: bool = False  # the first row of a group
    aside: bool = False  # does not compete with the other rows
    refined: bool = False  # on refined features


@dataclass(frozen=True)
class Table:
    """A whole table."""

    name: str  # such as "Table 1"
    title: str
    head: tuple[tuple[str, tuple[str, ...]], ...]  # name of each column, the labels' first, and its small print
    rows: tuple[Row, ...]
    notes: tuple[str, ...]  # sentences below the table
    numbers: pd.DataFrame  # the numbers behind the cells, unrounded


def texts(table: Table) -> list[list[str]]:
    """The head and the rows of a printed table, each with the same number of cells.

    Args:
        table: The table.

    >>> head, rows = (("Checkpoint", ()), ("First", ("of halves",))), (Row("byol", (Cell("50%", 0.5),)),)
    >>> texts(Table("mnist", "", head, rows, (), pd.DataFrame()))
    [['Checkpoint', 'First (of halves)'], ['byol', '50%']]
    """
    head = [f"{name} ({', '.join(small)})" if small else name for name, small in table.head]
    return [head, *([row.label, *(cell.text for cell in row.cells)] for row in table.rows)]
