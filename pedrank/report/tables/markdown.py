"""A printed table as Markdown."""

from __future__ import annotations

from pedrank.report.tables.table import Cell, Table
from pedrank.utils.columns import pad


def markdown(table: Table) -> str:
    """Set a table as a pipe table whose columns also line up as plain text.

    >>> import pandas as pd
    >>> from pedrank.report.tables.table import Cell, Row, Table
    >>> rows = (Row("LogME", (Cell("0.512", 0.512, bold=True),)),)
    >>> head = (("Method", ()), ("mnist", ()))
    >>> print(markdown(Table("Table 1", "Scores", head, rows, ("Higher is better.",), pd.DataFrame())).strip())
    **Table 1. Scores**
    <BLANKLINE>
    | Method | mnist     |
    | ------ | --------: |
    | LogME  | **0.512** |
    <BLANKLINE>
    - Higher is better.
    """
    head = [f"{name} ({', '.join(small)})" if small else name for name, small in table.head]
    lines = [head] + [[row.label, *map(_cell, row.cells)] for row in table.rows]
    padded = pad(lines)
    rule = ["-" * len(padded[0][0]), *("-" * (len(text) - 1) + ":" for text in padded[0][1:])]
    printed = [_line(line) for line in (padded[0], rule, *padded[1:])]
    notes = [f"- {_escape(note)}" for note in table.notes]
    return "\n".join([f"**{table.name}. {_escape(table.title)}**", "", *printed, "", *notes, ""])


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.bold else cell.text
    return " ".join([text + _escape(cell.mark), *cell.small])


def _escape(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_")
