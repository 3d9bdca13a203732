"""A printed table to files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from pedrank.artefacts import read_csv, write_csv, write_text
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


def from_files(description: str, source: str, table: Callable[[pd.DataFrame], Table]) -> None:
    """The command line of a table that is drawn from one kind of file, such as "summary" or "seconds"."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(f"--{source}", dest="files", required=True, nargs="+", type=Path, help="its parts, in order")
    parser.add_argument(
        "--out", required=True, nargs="+", type=Path, help="one path for each format, told by its suffix"
    )
    arguments = parser.parse_args()
    write(table(pd.concat(map(read_csv, arguments.files))), arguments.out)
