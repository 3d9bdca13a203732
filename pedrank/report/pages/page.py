"""A report's page and its parts as HTML. The page needs no other file and is readable from 400 pixels up."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pedrank.report.tables.table import Table
from pedrank.report.templates import render

if TYPE_CHECKING:
    from markupsafe import Markup

_INCHES = 96 * 1.35  # pixels of the page for an inch of the printed figure


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its heading (plain text) and its body (HTML)."""

    anchor: str
    heading: str
    body: Markup


def page(title: str, lead: Markup, sections: Iterable[Section]) -> str:
    """Set the whole page.

    Args:
        title: Plain text, for the browser's tab and the first heading.
        lead: HTML between the title and the first section.
        sections: Parts of the page in their order; each has a link at the top.

    Returns:
        The page as HTML, with its style inside.
    """
    return f"{render('page.html.j2', title=title, lead=lead, sections=list(sections))}\n"


def paragraph(sentence: str) -> Markup:
    """Set plain text as a paragraph.

    >>> print(paragraph("a < b"))
    <p>a &lt; b</p>
    """
    return render("paragraph.html.j2", text=sentence)


def bullets(items: Iterable[str]) -> Markup:
    """Set sentences, plain text or HTML, as a list."""
    return render("bullets.html.j2", items=items)


def prose(sentence: str) -> Markup:
    """Set plain text as HTML, with the index of tau_w as a subscript.

    >>> print(prose("a mean τ_w < 1"))
    a mean τ<sub>w</sub> &lt; 1
    """
    return render("prose.html.j2", text=sentence)


def answer(headline: str, sentence: str) -> Markup:
    """Set the answer for one dataset: a bold headline, and the sentence that explains it; both are plain text."""
    return render("answer.html.j2", headline=headline, text=sentence)


def table_section(table: Table, caption: Markup | None = None) -> Markup:
    """Set a table below its caption, with a switch for the rows of refined features if there are any.

    Args:
        table: The printed table.
        caption: HTML; by default the table's title.

    Returns:
        The body of a section.
    """
    return render("table_section.html.j2", table=table, caption=caption or paragraph(table.title))


def figure_section(png: Path, caption: Markup | str, alternative: str) -> Markup:
    """Set an image inside the page, up to 1.35 times as large as it is printed.

    Args:
        png: File of the image, at 300 dots per inch.
        caption: HTML or plain text below the image.
        alternative: Plain text for readers who do not see the image.

    Returns:
        A figure element that holds the image itself.
    """
    content = png.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # the header of a PNG
    return render(
        "figure.html.j2",
        encoded=base64.b64encode(content).decode(),
        wide=round(width / 300 * _INCHES),
        width=width,
        height=height,
        caption=caption,
        alternative=alternative,
    )


def pairs(rows: Iterable[tuple[str, str]]) -> Markup:
    """Set plain text in two columns: names and values."""
    return render("pairs.html.j2", rows=rows)


def folded(summary: str, content: str) -> Markup:
    """Set preformatted text that opens on a click on its summary; both are plain text."""
    return render("folded.html.j2", summary=summary, content=content)
