"""Write a printed table to files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pedrank.report.tables.html import html
from pedrank.report.tables.latex import latex
from pedrank.report.tables.markdown import markdown
from pedrank.report.tables.table import Table
from pedrank.store.artefacts import write_csv, write_text

_PRINT = {".md": markdown, ".tex": latex, ".html": html}


def write_table(table: Table, paths: Iterable[str | os.PathLike]) -> None:
    """Write a table to files.

    Args:
        table: The printed table.
        paths: Files to write. The suffix chooses the format: .csv (the numbers, unrounded), .md, .tex or .html.

    Raises:
        KeyError: A path has another suffix.
    """
    for path in paths:
        suffix = Path(path).suffix
        if suffix == ".csv":
            write_csv(path, table.numbers)
        else:
            write_text(path, _PRINT[suffix](table))
