"""A printed table as Markdown."""

from __future__ import annotations

from pedrank.report.tables.table import Cell, Table


def markdown(table: Table) -> str:
    """A pipe table whose columns also line up as plain text."""
    head = [f"{name} ({', '.join(small)})" if small else name for name, small in table.head]
    lines = [head] + [[row.label, *map(_cell, row.cells)] for row in table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    printed = [_line([text.ljust(width) for text, width in zip(line, widths, strict=True)]) for line in lines]
    printed.insert(1, _line(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]))
    notes = [f"- {_escape(note)}" for note in table.notes]
    return "\n".join([f"**{table.name}. {_escape(table.title)}**", "", *printed, "", *notes, ""])


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.bold else cell.text
    return " ".join([text + _escape(cell.mark), *cell.small])


def _escape(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_")
