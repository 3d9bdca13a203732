"""A printed table to files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from pedrank.report.tables.html import html
from pedrank.report.tables.latex import latex
from pedrank.report.tables.markdown import markdown
from pedrank.report.tables.table import Table
from pedrank.store.artefacts import read_csv, write_csv, write_text

_PRINT = {".md": markdown, ".tex": latex, ".html": html}


def write_table(table: Table, paths: Iterable[str | os.PathLike]) -> None:
    """Write a table to each path, in the format of its suffix: .csv (the numbers, unrounded), .md, .tex, .html."""
    for path in paths:
        suffix = Path(path).suffix
        if suffix == ".csv":
            write_csv(path, table.numbers)
        else:
            write_text(path, _PRINT[suffix](table))


def from_files(description: str, source: str, table: Callable[[pd.DataFrame], Table]) -> None:
    """The command line of a table that is drawn from one kind of file, such as "summary" or "seconds"."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(f"--{source}", dest="files", required=True, nargs="+", type=Path, help="its parts, in order")
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write_table(table(pd.concat(map(read_csv, arguments.files))), arguments.out)
