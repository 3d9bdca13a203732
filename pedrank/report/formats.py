"""A printed table to files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pedrank.artefacts import write_csv, write_text
from pedrank.report.html import html
from pedrank.report.latex import latex
from pedrank.report.markdown import markdown
from pedrank.report.table import Table

_PRINT = {".md": markdown, ".tex": latex, ".html": html}


def write(table: Table, paths: Iterable[str | os.PathLike]) -> None:
    """Write a table to each path, in the format of its suffix: .csv (the numbers, unrounded), .md, .tex, .html."""
    for path in paths:
        suffix = Path(path).suffix
        if suffix == ".csv":
            write_csv(path, table.numbers)
        else:
            write_text(path, _PRINT[suffix](table))
