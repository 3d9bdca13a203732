"""A printed table as HTML: a fragment for a page, or one page that needs no other file.

A click on the head of a column sorts the rows by it, highest value first. A second click reverses the order. A click on
the first head restores the original order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedrank.report.tables.table import Table
from pedrank.report.templates import render

if TYPE_CHECKING:
    from markupsafe import Markup


def fragment(table: Table) -> Markup:
    """Set a table and its notes as HTML for an element of class "pedrank"."""
    return render("table.html.j2", table=table)


def html(table: Table) -> str:
    """Set a table as a whole page that fits any width.

    >>> import pandas as pd
    >>> from pedrank.report.tables.table import Cell, Row, Table
    >>> rows = (Row("LogME", (Cell("0.5", 0.5),)),)
    >>> table = Table("Table 1", "Scores", (("Method", ()), ("mnist", ())), rows, (), pd.DataFrame())
    >>> '<td data-value="0.5">0.5<span class="mark"></span></td>' in html(table)
    True
    """
    return f"{render('table_page.html.j2', table=table)}\n"
