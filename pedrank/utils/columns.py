"""Columns of text that line up in a monospaced font."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def pad(rows: Sequence[Sequence[str]], left: Collection[int] | None = None) -> list[list[str]]:
    """Fill each cell with spaces up to the width of its column.

    Args:
        rows: Cells, row by row; every row has the same number of cells.
        left: Indices of the columns whose text starts at the left; the others end at the right. None: all at the left.

    Returns:
        The same rows with padded cells.

    >>> pad([["name", "MB"], ["byol", "9.5"]])
    [['name', 'MB '], ['byol', '9.5']]
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [
            cell.ljust(width) if left is None or number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]


def align(rows: Sequence[Sequence[str]], left: Collection[int] | None = None, gap: str = "  ") -> list[str]:
    """Set rows as lines of aligned columns, without spaces at the end of a line.

    Args:
        rows: Cells, row by row; every row has the same number of cells.
        left: Indices of the columns whose text starts at the left; the others end at the right. None: all at the left.
        gap: Text between two columns.

    Returns:
        One line per row.

    >>> align([["name", "MB"], ["byol", "9.5"], ["dino-tiny", "12"]], left=(0,))
    ['name        MB', 'byol       9.5', 'dino-tiny   12']
    """
    return [gap.join(row).rstrip() for row in pad(rows, left)]
